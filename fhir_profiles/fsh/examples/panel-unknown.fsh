// The server does not expose Encounter: nothing about visits is known, so there is no level, and no pathway either.

Instance: example-panel-unknown
InstanceOf: PersonalizationProfile
Usage: #example
Title: "Panel, too little data"
Description: "A patient about whom too little is known for a level."
* insert PanelOf(example-patient-unknown, b23a6a8439c0dde5515893e7c90c1e32)
* insert NoLevel(unknown, Unknown, [[Too little data: visits are unknown.]])
* insert Unknown(visits-p1y, p1y, [[Visits, last year]], unsupported, Unsupported, [[The server does not expose Encounter.]])
* insert Unknown(outpatient-visits-p1y, p1y, [[Outpatient visits, last year]], unsupported, Unsupported, [[The server does not expose Encounter.]])
* insert Unknown(ed-visits-p1y, p1y, [[Emergency visits, last year]], unsupported, Unsupported, [[The server does not expose Encounter.]])
* insert Unknown(other-visits-p1y, p1y, [[Other visits, last year]], unsupported, Unsupported, [[The server does not expose Encounter.]])
* insert Unknown(stays-p1y, p1y, [[Hospital stays, last year]], unsupported, Unsupported, [[The server does not expose Encounter.]])
* insert Unknown(contact-days-p1y, p1y, [[Days with healthcare, last year]], unsupported, Unsupported, [[The server does not expose Encounter.]])
* insert Money(billed-charges-p1y, p1y, [[Billed charges, last year]], 212.40, USD)
* insert Unknown(last-preventive-visit, ever, Last preventive visit, unknown, Unknown, [[No preventive visit was ever recorded.]])
* insert Unknown(upc-p1y, p1y, [[Usual provider of care, last year]], unsupported, Unsupported, [[The server does not expose Encounter.]])
* insert Unknown(coc-p1y, p1y, [[Continuity of care, last year]], unsupported, Unsupported, [[The server does not expose Encounter.]])
