// The source's owner wants a person to look before an intensive level counts: until then the panel is preliminary, is
// found by no app that asks for status=final,amended, and the Patient bears nothing.

Instance: example-panel-held
InstanceOf: PersonalizationProfile
Usage: #example
Title: "Panel, held for review"
Description: "An intensive level that waits for a person."
* insert PanelOf(example-patient-held, 0d3b0f0f59b5c8a6f3ccbd6a2f0e6f51)
* status = #preliminary
* insert Level(intensive, Intensive)
* insert Pathway(preferred-scheduling, Preferred scheduling)
* insert Pathway(proactive-outreach, Proactive outreach)
* extension[personalization].extension[reviewBy].valueDate = "2026-03-15"
* insert Because(ed-frequent, ed-visits-p1y, 4, 1, 4)
* insert Because(ed-visits, ed-visits-p1y, 4, 1, 2)
* insert Usual(Practitioner/example-practitioner, clinician, 0.75, 4)
* insert Usual(Location/example-site, site, 1, 4)
* insert Count(visits-p1y, p1y, [[Visits, last year]], 8)
* insert Count(outpatient-visits-p1y, p1y, [[Outpatient visits, last year]], 4)
* insert Count(ed-visits-p1y, p1y, [[Emergency visits, last year]], 4)
* insert Count(other-visits-p1y, p1y, [[Other visits, last year]], 0)
* insert Count(stays-p1y, p1y, [[Hospital stays, last year]], 0)
* insert Days(contact-days-p1y, p1y, [[Days with healthcare, last year]], 8)
* insert Money(billed-charges-p1y, p1y, [[Billed charges, last year]], 5120.00, USD)
* insert Day(last-preventive-visit, ever, Last preventive visit, 2025-11-03)
* insert Ratio(upc-p1y, p1y, [[Usual provider of care, last year]], 0.75, 3, 4, 1)
* insert Ratio(usual-clinician-p1y, p1y, [[Usual clinician, last year]], 0.75, 3, 4, 1)
* insert Ratio(usual-site-p1y, p1y, [[Usual site, last year]], 1, 4, 4, 1)
