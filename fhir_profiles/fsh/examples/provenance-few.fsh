// Few enough visits, claims and explanations to name each of them.

Instance: example-provenance-few
InstanceOf: PersonalizationProvenance
Usage: #example
Title: "Provenance, evidence named"
Description: "Three visits, three claims and what the payer answered to one of them, one by one."
* insert MadeByUs
* target = Reference(Observation/example-panel-standard)
* recorded = "2026-03-01T02:10:00-05:00"
* agent.who = Reference(Device/example-device)
* entity[+].role = #source
* entity[=].what = Reference(Claim/standard-1)
* entity[+].role = #source
* entity[=].what = Reference(Claim/standard-2)
* entity[+].role = #source
* entity[=].what = Reference(Claim/standard-3)
* entity[+].role = #source
* entity[=].what = Reference(Encounter/standard-1)
* entity[+].role = #source
* entity[=].what = Reference(Encounter/standard-2)
* entity[+].role = #source
* entity[=].what = Reference(Encounter/standard-3)
* entity[+].role = #source
* entity[=].what = Reference(ExplanationOfBenefit/standard-1)
