// A profile made anew on request, from what the source holds now. It takes its time, so it is answered asynchronously.

Instance: personalize-operation
InstanceOf: OperationDefinition
Usage: #definition
Title: "Profiles made anew"
Description: "Reads some patients again and derives their profiles, which are then served. By Prefer: respond-async alone: 202 names in Content-Location where its progress is told, and where DELETE cancels it. Nothing is written to the source."
* url = "https://w3id.org/fhir-personalization/OperationDefinition/personalize-operation"
* version = "0.1.0"
* name = "PersonalizeOperation"
* title = "Profiles made anew"
* status = #active
* experimental = false
* publisher = "fhir-personalization"
* date = "2026-01-01"
* kind = #operation
* affectsState = true
* code = #personalize
* system = true
* type = false
* instance = false
* parameter[0].name = #patient
* parameter[0].use = #in
* parameter[0].min = 0
* parameter[0].max = "*"
* parameter[0].documentation = "Whose; this or group is needed."
* parameter[0].type = #Reference
* parameter[+].name = #group
* parameter[=].use = #in
* parameter[=].min = 0
* parameter[=].max = "1"
* parameter[=].documentation = "Those of the active members of this Group of the source."
* parameter[=].type = #Reference
* parameter[+].name = #profiles
* parameter[=].use = #out
* parameter[=].min = 1
* parameter[=].max = "1"
* parameter[=].documentation = "How many profiles were made."
* parameter[=].type = #integer
