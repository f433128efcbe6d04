// `Patient?personalization-valid-until=ge2026-03-01`: whose profile still counts on a day; past it a reader treats it as
// absent, so a cohort asks for this beside its pathway or level.

Instance: personalization-valid-until
InstanceOf: SearchParameter
Usage: #definition
Title: "Search by the end of validity"
* insert Search(personalization-valid-until, PersonalizationValidUntilSearch, [[Patients, or panels, by the moment after which the profile is to be treated as absent.]])
* type = #date
* expression = "Patient.extension.where(url = 'https://w3id.org/fhir-personalization/StructureDefinition/patient-personalization').extension.where(url = 'validUntil').value | Observation.extension.where(url = 'https://w3id.org/fhir-personalization/StructureDefinition/patient-personalization').extension.where(url = 'validUntil').value"
