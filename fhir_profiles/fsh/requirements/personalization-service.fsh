// What the service itself offers to apps: it only reads. `personalize serve` answers /metadata with this statement, and
// a test compares it with what is served.

Instance: personalization-service
InstanceOf: CapabilityStatement
Usage: #definition
Title: "What the service offers to apps"
Description: "The FHIR server over one source's profiles: read and search, and the profile of a patient in one request."
* url = "https://w3id.org/fhir-personalization/CapabilityStatement/personalization-service"
* version = "0.1.0"
* name = "PersonalizationService"
* title = "What the service offers to apps"
* status = #active
* experimental = false
* publisher = "fhir-personalization"
* date = "2026-01-01"
* kind = #requirements
* fhirVersion = #4.0.1
* format[0] = #json
* rest.mode = #server
* rest.documentation = "JSON alone. Every parameter is looked at or refused. A profile that waits for a person, was declined or is past its validUntil is not there. What the token does not let see is not there either."
* rest.operation.name = "personalize"
* rest.operation.definition = "https://w3id.org/fhir-personalization/OperationDefinition/personalize-operation"

* insert Needs(AuditEvent, SHALL, [[Who was shown what. Only by a scope that names AuditEvent.]])
* insert Interaction(read, SHALL)
* insert Interaction(search-type, SHALL)
* insert SearchBy(_id, token, SHALL)
* insert SearchBy(_lastUpdated, date, SHALL)
* insert SearchBy(date, date, SHALL)
* insert SearchBy(outcome, token, SHALL)
* insert SearchBy(patient, reference, SHALL)
* insert Needs(List, SHALL, [[Rankings of patients, where they are configured; in no patient's compartment.]])
* insert Interaction(read, SHALL)
* insert Interaction(search-type, SHALL)
* insert SearchBy(_id, token, SHALL)
* insert SearchBy(_lastUpdated, date, SHALL)
* insert SearchBy(code, token, SHALL)
* insert SearchBy(date, date, SHALL)
* insert SearchBy(status, token, SHALL)
* insert Needs(MeasureReport, SHALL, [[The same of everybody, with nobody in it.]])
* insert Interaction(read, SHALL)
* insert Interaction(search-type, SHALL)
* insert SearchBy(_id, token, SHALL)
* insert SearchBy(_lastUpdated, date, SHALL)
* insert SearchBy(date, date, SHALL)
* insert SearchBy(measure, reference, SHALL)
* insert SearchBy(status, token, SHALL)
* insert Needs(Observation, SHALL, [[The profile of each patient.]])
* rest.resource[=].searchRevInclude = "Provenance:target"
* insert Interaction(read, SHALL)
* insert Interaction(search-type, SHALL)
* insert SearchBy(_id, token, SHALL)
* insert SearchBy(_lastUpdated, date, SHALL)
* insert SearchBy(category, token, SHALL)
* insert SearchBy(code, token, SHALL)
* insert SearchBy(date, date, SHALL)
* insert SearchBy(patient, reference, SHALL)
* insert SearchByOurs(personalization-as-of, date)
* insert SearchByOurs(personalization-level, token)
* insert SearchByOurs(personalization-pathway, token)
* insert SearchByOurs(personalization-valid-until, date)
* insert SearchBy(status, token, SHALL)
* insert SearchBy(subject, reference, SHALL)
* insert SearchBy(value-concept, token, SHALL)
* insert Needs(Patient, SHALL, [[Level and pathways on the Patient; the rest as the source gave it, or where to read it.]])
* rest.resource[=].operation.name = "personalization-profile"
* rest.resource[=].operation.definition = "https://w3id.org/fhir-personalization/OperationDefinition/personalization-profile-operation"
* insert Interaction(read, SHALL)
* insert Interaction(search-type, SHALL)
* insert SearchBy(_id, token, SHALL)
* insert SearchBy(_lastUpdated, date, SHALL)
* insert SearchByOurs(personalization-as-of, date)
* insert SearchByOurs(personalization-level, token)
* insert SearchByOurs(personalization-pathway, token)
* insert SearchByOurs(personalization-valid-until, date)
* insert Needs(Provenance, SHALL, [[From which records a profile was derived.]])
* insert Interaction(read, SHALL)
* insert Interaction(search-type, SHALL)
* insert SearchBy(_id, token, SHALL)
* insert SearchBy(_lastUpdated, date, SHALL)
* insert SearchBy(patient, reference, SHALL)
* insert SearchBy(target, reference, SHALL)
