// Two emergency visits in the year, and six visits spread over four clinicians.
// This server does not expose Claim: the charges are unknown, not zero. Only the measures of the year are shown.

Instance: example-panel-enhanced
InstanceOf: PersonalizationProfile
Usage: #example
Title: "Panel, enhanced"
Description: "A patient who may need more attention than usual, on a server without claims."
* insert PanelOf(example-patient-enhanced, aedbe9f5f1f5eaec316afa9e40002779)
* insert Level(enhanced, Enhanced)
* insert Pathway(usual-clinician, Usual clinician)
* insert Because(ed-visits, ed-visits-p1y, 2, 1, 2)
* insert Because(upc, upc-p1y, 0.333333, 1, 0.5)
* insert Count(visits-p1y, p1y, [[Visits, last year]], 8)
* insert Count(outpatient-visits-p1y, p1y, [[Outpatient visits, last year]], 6)
* insert Count(ed-visits-p1y, p1y, [[Emergency visits, last year]], 2)
* insert Count(other-visits-p1y, p1y, [[Other visits, last year]], 0)
* insert Count(stays-p1y, p1y, [[Hospital stays, last year]], 0)
* insert Days(contact-days-p1y, p1y, [[Days with healthcare, last year]], 8)
* insert Unknown(billed-charges-p1y, p1y, [[Billed charges, last year]], unsupported, Unsupported, [[The server does not expose Claim.]])
* insert Day(last-preventive-visit, ever, Last preventive visit, 2025-09-18)
* insert Ratio(upc-p1y, p1y, [[Usual provider of care, last year]], 0.333333, 2, 6, 1)
* insert Ratio(coc-p1y, p1y, [[Continuity of care, last year]], 0.133333, 4, 30, 1)
