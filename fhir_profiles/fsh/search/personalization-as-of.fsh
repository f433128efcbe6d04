// `Patient?personalization-as-of=lt2026-03-01`: whose profile is from before a day.

Instance: personalization-as-of
InstanceOf: SearchParameter
Usage: #definition
Title: "Search by the moment of the profile"
* insert Search(personalization-as-of, PersonalizationAsOfSearch, [[Patients, or panels, by the moment at which the windows of their measures end.]])
* type = #date
* expression = "Patient.extension.where(url = 'https://w3id.org/fhir-personalization/StructureDefinition/patient-personalization').extension.where(url = 'asOf').value | Observation.extension.where(url = 'https://w3id.org/fhir-personalization/StructureDefinition/patient-personalization').extension.where(url = 'asOf').value"
