// A Patient whose hospital lets the service write the profile into it. Nothing else of the Patient is touched, and
// nothing here tells why: the reasons stand on the panel.

Instance: example-patient-intensive
InstanceOf: Patient
Usage: #example
Title: "Patient bearing the extension"
Description: "A Patient with the standardized personalization profile."
* name.family = "Example"
* name.given = "Ida"
* gender = #female
* birthDate = "1961-07-04"
* extension[PatientPersonalization].extension[profile].valueReference = Reference(Observation/example-panel-intensive)
* extension[PatientPersonalization].extension[asOf].valueDateTime = "2026-03-01T00:00:00-05:00"
* extension[PatientPersonalization].extension[validUntil].valueDateTime = "2026-04-01T00:00:00-04:00"
* extension[PatientPersonalization].extension[frameworkVersion].valueString = "0.1.0"
* extension[PatientPersonalization].extension[level].valueCode = #intensive
* extension[PatientPersonalization].extension[pathway][+].valueCodeableConcept = $pathway#preferred-scheduling "Preferred scheduling"
* extension[PatientPersonalization].extension[pathway][+].valueCodeableConcept = $pathway#proactive-outreach "Proactive outreach"
* extension[PatientPersonalization].extension[reviewBy].valueDate = "2026-03-31"
