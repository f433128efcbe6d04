// Which public code comes nearest to a pathway. A pathway is an offer; the public codes name a need or an arrangement.

Instance: pathways-to-public-codes
InstanceOf: ConceptMap
Usage: #definition
Title: "Pathways and public codes"
Description: "The public codes of the needs and arrangements behind pathways."
* url = "https://w3id.org/fhir-personalization/ConceptMap/pathways-to-public-codes"
* version = "0.1.0"
* name = "PathwaysToPublicCodes"
* title = "Pathways and public codes"
* status = #active
* experimental = false
* publisher = "fhir-personalization"
* sourceCanonical = $pathways

* group[+].source = $pathway
* group[=].target = "http://loinc.org"
* insert Source(interpreter, Interpreter)
* insert Target(54588-9, relatedto, [[The question whether one is needed; the pathway follows from the answer yes.]])

* group[+].source = $pathway
* group[=].target = "http://snomed.info/sct"
* insert Source(interpreter, Interpreter)
* insert Target(315594003, relatedto, [[The finding that one is needed.]])

* group[+].source = $pathway
* group[=].target = "http://terminology.hl7.org/CodeSystem/encounter-special-arrangements"
* insert Source(interpreter, Interpreter)
* insert Target(int, relatedto, [[The arrangement made for one visit.]])
* insert Source(accessible-visit, [[Accessible visit]])
* insert Target(wheel, narrower, [[One of the arrangements that may be needed.]])

* group[+].source = $pathway
* group[=].target = "http://terminology.hl7.org/CodeSystem/v3-ParticipationFunction"
* insert Source(usual-clinician, [[Usual clinician]])
* insert Target(PCP, relatedto, [[The clinician may be a primary care physician.]])
