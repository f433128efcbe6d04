// `Patient?personalization-pathway=SYSTEM|proactive-outreach`: everybody whom a pathway suits, past its end or not. On
// Observation add `status=final,amended`: held panels bear their pathways too.

Instance: personalization-pathway
InstanceOf: SearchParameter
Usage: #definition
Title: "Search by pathway"
* insert Search(personalization-pathway, PersonalizationPathwaySearch, [[Patients, or panels, with a pathway.]])
* type = #token
* expression = "Patient.extension.where(url = 'https://w3id.org/fhir-personalization/StructureDefinition/patient-personalization').extension.where(url = 'pathway').value | Observation.extension.where(url = 'https://w3id.org/fhir-personalization/StructureDefinition/patient-personalization').extension.where(url = 'pathway').value"
