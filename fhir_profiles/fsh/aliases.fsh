// One short name for each system and definition that more than one file names.

Alias: $patient-personalization = https://w3id.org/fhir-personalization/StructureDefinition/patient-personalization
Alias: $measure-basis = https://w3id.org/fhir-personalization/StructureDefinition/measure-basis
Alias: $usual-provider = https://w3id.org/fhir-personalization/StructureDefinition/usual-provider
Alias: $personalization-rationale = https://w3id.org/fhir-personalization/StructureDefinition/personalization-rationale

Alias: $measure = https://w3id.org/fhir-personalization/CodeSystem/personalization-measure
Alias: $dimension = https://w3id.org/fhir-personalization/CodeSystem/personalization-dimension
Alias: $level = https://w3id.org/fhir-personalization/CodeSystem/personalization-level
Alias: $pathway = https://w3id.org/fhir-personalization/CodeSystem/personalization-pathway
Alias: $rationale = https://w3id.org/fhir-personalization/CodeSystem/personalization-rationale
Alias: $category = https://w3id.org/fhir-personalization/CodeSystem/personalization-category
Alias: $window = https://w3id.org/fhir-personalization/CodeSystem/personalization-window
Alias: $provider-role = https://w3id.org/fhir-personalization/CodeSystem/personalization-provider-role

Alias: $measures = https://w3id.org/fhir-personalization/ValueSet/personalization-measure
Alias: $levels = https://w3id.org/fhir-personalization/ValueSet/personalization-level
Alias: $pathways = https://w3id.org/fhir-personalization/ValueSet/personalization-pathway
Alias: $rationales = https://w3id.org/fhir-personalization/ValueSet/personalization-rationale
Alias: $windows = https://w3id.org/fhir-personalization/ValueSet/personalization-window
Alias: $provider-roles = https://w3id.org/fhir-personalization/ValueSet/personalization-provider-role

Alias: $installation = https://w3id.org/fhir-personalization/installation
Alias: $profile-identifier = https://w3id.org/fhir-personalization/NamingSystem/profile

Alias: $absent = http://terminology.hl7.org/CodeSystem/data-absent-reason
Alias: $absent-reasons = http://hl7.org/fhir/ValueSet/data-absent-reason
Alias: $observation-value = http://terminology.hl7.org/CodeSystem/v3-ObservationValue
Alias: $confidentiality = http://terminology.hl7.org/CodeSystem/v3-Confidentiality
Alias: $entity-role = http://hl7.org/fhir/provenance-entity-role
Alias: $currency = urn:iso:std:iso:4217

Alias: $expectation = http://hl7.org/fhir/StructureDefinition/capabilitystatement-expectation
Alias: $list-order = http://terminology.hl7.org/CodeSystem/list-order
Alias: $participant-type = http://terminology.hl7.org/CodeSystem/provenance-participant-type
