// What a model expects, beside the panel and never in its place.

Instance: example-risk
InstanceOf: PersonalizationRisk
Usage: #example
Title: "Risk"
Description: "The chance of a hospital stay within the next year."
* insert MadeByUs
* identifier.system = $profile-identifier
* identifier.value = "example-risk"
* status = #final
* method.text = "fhir-personalization 0.1.0, stays of the next year"
* subject = Reference(Patient/example-patient-intensive)
* occurrenceDateTime = "2026-03-01T00:00:00-05:00"
* performer = Reference(Device/example-device)
* basis = Reference(Observation/example-panel-intensive)
* prediction.outcome.text = "At least one hospital stay"
* prediction.probabilityDecimal = 0.41
* prediction.whenPeriod.start = "2026-03-01T00:00:00-05:00"
* prediction.whenPeriod.end = "2027-03-01T00:00:00-05:00"
