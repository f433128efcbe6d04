// A person looked and agreed: a second agent, who verified, with the reason in that person's words.

Instance: example-provenance-reviewed
InstanceOf: PersonalizationProvenance
Usage: #example
Title: "Provenance, reviewed"
Description: "A profile that a person accepted."
* insert MadeByUs
* target = Reference(Observation/example-panel-enhanced)
* recorded = "2026-03-01T02:10:00-05:00"
* agent[0].who = Reference(Device/example-device)
* agent[1].type = $participant-type#verifier "Verifier"
* agent[1].who = Reference(Practitioner/example-practitioner)
* reason.text = "accepted: seen in the team meeting"
* entity.role = #source
* entity.what = Reference(Encounter/enhanced-1)
