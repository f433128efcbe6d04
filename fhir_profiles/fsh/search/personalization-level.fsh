// `Patient?personalization-level=intensive`: everybody with a level, where the hospital writes into Patient. For panels
// `Observation?value-concept=SYSTEM|intensive` needs nothing of ours.

Instance: personalization-level
InstanceOf: SearchParameter
Usage: #definition
Title: "Search by level"
* insert Search(personalization-level, PersonalizationLevelSearch, [[Patients, or panels, with a level.]])
* type = #token
* expression = "Patient.extension.where(url = 'https://w3id.org/fhir-personalization/StructureDefinition/patient-personalization').extension.where(url = 'level').value | Observation.extension.where(url = 'https://w3id.org/fhir-personalization/StructureDefinition/patient-personalization').extension.where(url = 'level').value"
