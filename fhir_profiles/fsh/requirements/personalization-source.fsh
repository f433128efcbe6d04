// What the service asks of a server that it reads and writes. SHALL: without it there is no profile. SHOULD: without it
// some measures are unknown, or a lower rung of writing is used. MAY: it is used where it is there.

Instance: personalization-source
InstanceOf: CapabilityStatement
Usage: #definition
Title: "What a source of personalization profiles needs to offer"
Description: "What the service asks of a server: what it reads, what it writes, and how sure it has to be of each."
* url = "https://w3id.org/fhir-personalization/CapabilityStatement/personalization-source"
* version = "0.1.0"
* name = "PersonalizationSource"
* title = "What a source of personalization profiles needs to offer"
* status = #active
* experimental = false
* publisher = "fhir-personalization"
* date = "2026-01-01"
* kind = #requirements
* fhirVersion = #4.0.1
* format[0] = #json
* rest.mode = #server
* rest.documentation = "Times end at the server's own Date header. A type that is not offered is unknown to the measures, which is never zero."
* rest.interaction[0].code = #transaction
* rest.interaction[0].extension[0].url = $expectation
* rest.interaction[0].extension[0].valueCode = #SHOULD
* rest.interaction[1].code = #batch
* rest.interaction[1].extension[0].url = $expectation
* rest.interaction[1].extension[0].valueCode = #MAY

* insert Needs(Patient, SHALL, [[Who the profiles are of. Written only where the owner sets write = patient: the raw resource, under If-Match.]])
* insert Interaction(read, SHALL)
* insert Interaction(search-type, SHALL)
* insert Interaction(update, MAY)
* insert Interaction(patch, MAY)
* insert SearchBy(_id, token, SHALL)
* insert SearchBy(_lastUpdated, date, SHOULD)
* insert Needs(Encounter, SHALL, [[Visits and stays: without them there is no level.]])
* insert Interaction(search-type, SHALL)
* insert SearchBy(patient, reference, SHALL)
* insert SearchBy(_lastUpdated, date, SHOULD)
* insert Needs(Claim, SHOULD, [[Billed charges, and diagnoses.]])
* insert Interaction(search-type, SHOULD)
* insert SearchBy(patient, reference, SHOULD)
* insert SearchBy(_lastUpdated, date, SHOULD)
* insert Needs(ExplanationOfBenefit, SHOULD, [[What is left to the patient, what was paid, what was refused.]])
* insert Interaction(search-type, SHOULD)
* insert SearchBy(patient, reference, SHOULD)
* insert SearchBy(_lastUpdated, date, SHOULD)
* insert Needs(ClaimResponse, MAY, [[What was refused, where there is no ExplanationOfBenefit.]])
* insert Interaction(search-type, MAY)
* insert SearchBy(patient, reference, MAY)
* insert Needs(Condition, MAY, [[Diagnoses for the Charlson and LACE indices, where visits and claims only refer to them.]])
* insert Interaction(search-type, MAY)
* insert SearchBy(patient, reference, MAY)
* insert Needs(PractitionerRole, MAY, [[Which clinician a role is.]])
* insert Interaction(search-type, MAY)
* insert Needs(Group, MAY, [[Who opted out and is never profiled.]])
* insert Interaction(read, MAY)
* insert Needs(Observation, SHOULD, [[The panel. Where it is refused a Flag or a DocumentReference stands in for it.]])
* insert Interaction(read, SHOULD)
* insert Interaction(search-type, SHOULD)
* insert Interaction(create, SHOULD)
* insert Interaction(update, SHOULD)
* insert Interaction(delete, SHOULD)
* insert SearchBy(_id, token, SHOULD)
* insert SearchBy(_tag, token, SHOULD)
* insert SearchBy(_lastUpdated, date, SHOULD)
* insert SearchBy(subject, reference, SHOULD)
* insert SearchBy(code, token, SHOULD)
* insert SearchBy(status, token, SHOULD)
* insert SearchBy(value-concept, token, SHOULD)
* insert Needs(Provenance, SHOULD, [[From which records a panel was derived.]])
* insert Interaction(read, SHOULD)
* insert Interaction(search-type, SHOULD)
* insert Interaction(update, SHOULD)
* insert Interaction(delete, SHOULD)
* insert SearchBy(target, reference, SHOULD)
* insert Needs(Device, SHOULD, [[The installation; it is also the first thing written, to learn how the server writes.]])
* insert Interaction(read, SHOULD)
* insert Interaction(update, SHOULD)
* insert Needs(Flag, MAY, [[Stands in for the panel where Observation is refused: the level alone.]])
* insert Interaction(read, MAY)
* insert Interaction(search-type, MAY)
* insert Interaction(update, MAY)
* insert Needs(DocumentReference, MAY, [[Stands in for the panel where Flag is refused too: the panel as a file.]])
* insert Interaction(read, MAY)
* insert Interaction(search-type, MAY)
* insert Interaction(update, MAY)
