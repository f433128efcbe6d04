// All that a server without panels shows of a level.

Instance: example-flag
InstanceOf: PersonalizationFlag
Usage: #example
Title: "Flag"
Description: "An enhanced level, until the end of March."
* insert MadeByUs
* identifier.system = $profile-identifier
* identifier.value = "example-flag"
* status = #active
* category[personalization] = $category#personalization "Personalization"
* code = $level#enhanced "Enhanced"
* code.text = "Care level: enhanced"
* subject = Reference(Patient/example-patient)
* period.start = "2026-03-01T00:00:00-05:00"
* period.end = "2026-04-01T00:00:00-04:00"
