// The profile of one patient that counts today, in one request. There is nothing to say but whose it is.

Instance: personalization-profile-operation
InstanceOf: OperationDefinition
Usage: #definition
Title: "The profile of a patient"
Description: "Answers with the Observation that is the patient's profile today; 404 where none counts."
* url = "https://w3id.org/fhir-personalization/OperationDefinition/personalization-profile-operation"
* version = "0.1.0"
* name = "PersonalizationProfileOperation"
* title = "The profile of a patient"
* status = #active
* experimental = false
* publisher = "fhir-personalization"
* date = "2026-01-01"
* kind = #operation
* affectsState = false
* code = #personalization-profile
* resource = #Patient
* system = false
* type = false
* instance = true
* parameter.name = #return
* parameter.use = #out
* parameter.min = 1
* parameter.max = "1"
* parameter.documentation = "The profile, as a read of it would give it."
* parameter.type = #Observation
