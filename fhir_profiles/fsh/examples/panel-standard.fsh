// Three visits to two clinicians in a year and a recent preventive visit: no rule fires.
// No claim in the last month is a known zero, hence XXX, "no currency involved".

Instance: example-panel-standard
InstanceOf: PersonalizationProfile
Usage: #example
Title: "Panel, standard"
Description: "A patient whom no rule singles out."
* insert PanelOf(example-patient-standard, fe6d3468cf5c74d8ec2a95b40f2e0533)
* insert Level(standard, Standard)
* insert Count(visits-p7d, p7d, [[Visits, last 7 days]], 0)
* insert Count(visits-p1m, p1m, [[Visits, last month]], 0)
* insert Count(visits-p1y, p1y, [[Visits, last year]], 3)
* insert Count(outpatient-visits-p7d, p7d, [[Outpatient visits, last 7 days]], 0)
* insert Count(outpatient-visits-p1m, p1m, [[Outpatient visits, last month]], 0)
* insert Count(outpatient-visits-p1y, p1y, [[Outpatient visits, last year]], 3)
* insert Count(ed-visits-p7d, p7d, [[Emergency visits, last 7 days]], 0)
* insert Count(ed-visits-p1m, p1m, [[Emergency visits, last month]], 0)
* insert Count(ed-visits-p1y, p1y, [[Emergency visits, last year]], 0)
* insert Count(other-visits-p7d, p7d, [[Other visits, last 7 days]], 0)
* insert Count(other-visits-p1m, p1m, [[Other visits, last month]], 0)
* insert Count(other-visits-p1y, p1y, [[Other visits, last year]], 0)
* insert Count(stays-p7d, p7d, [[Hospital stays, last 7 days]], 0)
* insert Count(stays-p1m, p1m, [[Hospital stays, last month]], 0)
* insert Count(stays-p1y, p1y, [[Hospital stays, last year]], 0)
* insert Days(contact-days-p1m, p1m, [[Days with healthcare, last month]], 0)
* insert Days(contact-days-p1y, p1y, [[Days with healthcare, last year]], 3)
* insert Money(billed-charges-p7d, p7d, [[Billed charges, last 7 days]], 0, XXX)
* insert Money(billed-charges-p1m, p1m, [[Billed charges, last month]], 0, XXX)
* insert Money(billed-charges-p1y, p1y, [[Billed charges, last year]], 640.50, USD)
* insert Day(last-preventive-visit, ever, Last preventive visit, 2025-06-12)
* insert Ratio(upc-p1y, p1y, [[Usual provider of care, last year]], 0.666667, 2, 3, 1)
* insert Ratio(coc-p1y, p1y, [[Continuity of care, last year]], 0.333333, 2, 6, 1)
