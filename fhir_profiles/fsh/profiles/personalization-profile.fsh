// The panel: everything that the service derived about one patient, as of one moment, in one Observation.
//
// - The value is the level. Where there is none (too little data, deceased) a dataAbsentReason says why: never both,
//   never neither.
// - The extension patient-personalization repeats the level, word for word, and bears every pathway.
// - Each measure is one component with the ground under its number. A measure that could not be known is a component
//   with a dataAbsentReason: unknown is never zero.
// - A measure is in the unit of its definition: a count or a ratio in 1, days in d, an amount in a currency, a date as a
//   dateTime (measure-units.fsh, made from the catalogue).
// - A measure stands once; an amount of money stands once in each currency, for currencies are never added up.

Profile: PersonalizationProfile
Parent: Observation
Id: personalization-profile
Title: "Personalization profile"
Description: "The panel of one patient: the level or why there is none, the pathways, the reasons and the measures behind them."
* insert ForUse
* obeys pers-panel-1 and pers-panel-2 and pers-panel-3 and pers-panel-4 and pers-panel-7
* extension contains
    PatientPersonalization named personalization 1..1 and
    PersonalizationRationale named rationale 0..* and
    UsualProvider named usual-provider 0..2
* identifier 1..1
* identifier.system 1..1
* identifier.system = $profile-identifier
* identifier.value 1..1
* category 1..*
* category ^slicing.discriminator.type = #value
* category ^slicing.discriminator.path = "$this"
* category ^slicing.rules = #open
* category contains personalization 1..1
* category[personalization] = $category#personalization
* code = $measure#profile
* subject 1..1
* subject only Reference(Patient)
* effective[x] 1..1
* effective[x] only Period
* effectivePeriod.start 1..1
* effectivePeriod.end 1..1
* issued 1..1
* value[x] only CodeableConcept
* valueCodeableConcept from $levels (required)
* method 1..1
* method.text 1..1
* method.text ^short = "fhir-personalization and the version of its framework"
* device only Reference(Device)
* component obeys pers-panel-5 and pers-panel-6 and pers-unit-1 and pers-unit-2 and pers-unit-3 and pers-unit-4
* component.extension contains MeasureBasis named basis 1..1
* component.code from $measures (extensible)
* component.value[x] only Quantity or dateTime or CodeableConcept

Invariant: pers-panel-1
Description: "A panel has a level as its value or a dataAbsentReason that says why there is none: exactly one of them."
Severity: #error
Expression: "value.exists() xor dataAbsentReason.exists()"

Invariant: pers-panel-2
Description: "The extension patient-personalization names the same level as the panel's value."
Severity: #error
Expression: "value.exists() implies value.coding.where(system = 'https://w3id.org/fhir-personalization/CodeSystem/personalization-level').code.intersect(extension.where(url = 'https://w3id.org/fhir-personalization/StructureDefinition/patient-personalization').extension.where(url = 'level').value).exists()"

Invariant: pers-panel-3
Description: "A panel with a dataAbsentReason has no level in its extension patient-personalization either."
Severity: #error
Expression: "dataAbsentReason.exists() implies extension.where(url = 'https://w3id.org/fhir-personalization/StructureDefinition/patient-personalization').extension.where(url = 'level').empty()"

Invariant: pers-panel-4
Description: "A measure stands once in a panel, an amount of money once in each currency."
Severity: #error
Expression: "component.select(code.coding.first().code & '|' & value.where(system = 'urn:iso:std:iso:4217').code).isDistinct()"

Invariant: pers-panel-5
Description: "A measure has a value or a dataAbsentReason that says why it is unknown: exactly one of them."
Severity: #error
Expression: "value.exists() xor dataAbsentReason.exists()"

Invariant: pers-panel-6
Description: "The definition in a measure's basis is the entry of that measure's own code."
Severity: #error
Expression: "code.coding.where(system = 'https://w3id.org/fhir-personalization/CodeSystem/personalization-measure').select(system & '#' & code).subsetOf(extension.where(url = 'https://w3id.org/fhir-personalization/StructureDefinition/measure-basis').extension.where(url = 'definition').value)"

Invariant: pers-panel-7
Description: "Who has no level because a profile does not apply (the patient has died) has no pathway either."
Severity: #error
Expression: "dataAbsentReason.coding.where(code = 'not-applicable').exists() implies extension.where(url = 'https://w3id.org/fhir-personalization/StructureDefinition/patient-personalization').extension.where(url = 'pathway').empty()"
