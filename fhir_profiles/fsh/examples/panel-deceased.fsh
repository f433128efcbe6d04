// A patient who died in the year: what was counted until then stands, but there is no level and no pathway.

Instance: example-panel-deceased
InstanceOf: PersonalizationProfile
Usage: #example
Title: "Panel, deceased"
Description: "A patient who has died."
* insert PanelOf(example-patient-deceased, 2268703198756ca02686ba0ae0e19656)
* insert NoLevel(not-applicable, Not Applicable, [[The patient has died.]])
* insert Count(visits-p1y, p1y, [[Visits, last year]], 2)
* insert Count(outpatient-visits-p1y, p1y, [[Outpatient visits, last year]], 1)
* insert Count(ed-visits-p1y, p1y, [[Emergency visits, last year]], 0)
* insert Count(other-visits-p1y, p1y, [[Other visits, last year]], 0)
* insert Count(stays-p1y, p1y, [[Hospital stays, last year]], 1)
* insert Days(contact-days-p1y, p1y, [[Days with healthcare, last year]], 6)
* insert Money(billed-charges-p1y, p1y, [[Billed charges, last year]], 9120.00, USD)
* insert Unknown(last-preventive-visit, ever, Last preventive visit, unknown, Unknown, [[No preventive visit was ever recorded.]])
* insert Unknown(upc-p1y, p1y, [[Usual provider of care, last year]], unknown, Unknown, [[Fewer than two visits with a known clinician.]])
* insert Unknown(coc-p1y, p1y, [[Continuity of care, last year]], unknown, Unknown, [[Fewer than two visits with a known clinician.]])
