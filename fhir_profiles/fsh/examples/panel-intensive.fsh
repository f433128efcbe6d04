// Five emergency visits and two stays in the year, billed in two currencies that are never added up;
// the last preventive visit is more than 18 months ago. Every rule that fires is named, those for a lower level too.
// One of the nine outpatient visits names no clinician: it is left out of the ratios, and the coverage says so.

Instance: example-panel-intensive
InstanceOf: PersonalizationProfile
Usage: #example
Title: "Panel, intensive"
Description: "A patient who needs the most attention, with claims in two currencies."
* insert PanelOf(example-patient-intensive, 6745418a4852c85652dca8b0d3d537df)
* insert Level(intensive, Intensive)
* insert Pathway(preferred-scheduling, Preferred scheduling)
* insert Pathway(proactive-outreach, Proactive outreach)
* insert Because(ed-frequent, ed-visits-p1y, 5, 1, 4)
* insert Because(acute-stays, stays-p1y, 2, 1, 2)
* insert Because(ed-visits, ed-visits-p1y, 5, 1, 2)
* insert Because(stays, stays-p1y, 2, 1, 1)
* insert BecauseSince(last-preventive-visit, last-preventive-visit, 2024-05-14, 18)
* insert Count(visits-p7d, p7d, [[Visits, last 7 days]], 1)
* insert Count(visits-p1m, p1m, [[Visits, last month]], 2)
* insert Count(visits-p1y, p1y, [[Visits, last year]], 17)
* insert Count(outpatient-visits-p7d, p7d, [[Outpatient visits, last 7 days]], 0)
* insert Count(outpatient-visits-p1m, p1m, [[Outpatient visits, last month]], 1)
* insert Count(outpatient-visits-p1y, p1y, [[Outpatient visits, last year]], 9)
* insert Count(ed-visits-p7d, p7d, [[Emergency visits, last 7 days]], 1)
* insert Count(ed-visits-p1m, p1m, [[Emergency visits, last month]], 1)
* insert Count(ed-visits-p1y, p1y, [[Emergency visits, last year]], 5)
* insert Count(other-visits-p7d, p7d, [[Other visits, last 7 days]], 0)
* insert Count(other-visits-p1m, p1m, [[Other visits, last month]], 0)
* insert Count(other-visits-p1y, p1y, [[Other visits, last year]], 1)
* insert Count(stays-p7d, p7d, [[Hospital stays, last 7 days]], 0)
* insert Count(stays-p1m, p1m, [[Hospital stays, last month]], 0)
* insert Count(stays-p1y, p1y, [[Hospital stays, last year]], 2)
* insert Days(contact-days-p1m, p1m, [[Days with healthcare, last month]], 2)
* insert Days(contact-days-p1y, p1y, [[Days with healthcare, last year]], 22)
* insert Money(billed-charges-p7d, p7d, [[Billed charges, last 7 days]], 1210.00, USD)
* insert Money(billed-charges-p1m, p1m, [[Billed charges, last month]], 1460.00, USD)
* insert Money(billed-charges-p1y, p1y, [[Billed charges, last year]], 48210.75, USD)
* insert Money(billed-charges-p1y, p1y, [[Billed charges, last year]], 380.00, CAD)
* insert Day(last-preventive-visit, ever, Last preventive visit, 2024-05-14)
* insert Ratio(upc-p1y, p1y, [[Usual provider of care, last year]], 0.5, 4, 8, 0.888889)
* insert Ratio(coc-p1y, p1y, [[Continuity of care, last year]], 0.321429, 18, 56, 0.888889)
