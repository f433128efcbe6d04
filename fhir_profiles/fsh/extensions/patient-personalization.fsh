// The standardized personalization profile: how much attention a patient needs now, and along which pathways.
//
// - It stands on the Patient, where the owner of the server allows it, and always on the panel (Observation).
// - Everybody who may read the Patient sees it, the patient's own app included. So the list of parts is closed:
//   no score, no money, no demographics and no reason can be added to it.
// - On a Patient the level is required: where there is no level the whole extension is taken off.
//   The context does not reach the cardinality, so an invariant asks for the resource that holds the extension.
//   For the same reason another invariant holds that a resource bears the extension once.
//   On a panel without a level the level is left out; panel invariants pers-panel-2 and pers-panel-3 hold that.
// - A Patient who has died bears none of it: no level is left to act upon.
// - A reader treats it as absent after validUntil.

Extension: PatientPersonalization
Id: patient-personalization
Title: "Patient personalization"
Description: "The standardized personalization profile: the level of attention and the care pathways, as of one moment."
Context: Patient, Observation
* insert ForUse
* . 0..1
* . ^short = "Level of attention and care pathways, as of one moment"
* obeys pers-ext-1 and pers-ext-2 and pers-ext-3 and pers-ext-4
* extension ^slicing.rules = #closed
* extension contains
    profile 0..1 and
    asOf 1..1 and
    validUntil 0..1 and
    frameworkVersion 1..1 and
    level 0..1 and
    pathway 0..* and
    reviewBy 0..1
* extension[profile] ^short = "The panel with the measures and the reasons behind this profile"
* extension[profile].value[x] 1..1
* extension[profile].value[x] only Reference(Observation)
* extension[asOf] ^short = "The moment at which all windows of the measures end"
* extension[asOf].value[x] 1..1
* extension[asOf].value[x] only dateTime
* extension[validUntil] ^short = "Treat the profile as absent after this moment"
* extension[validUntil].value[x] 1..1
* extension[validUntil].value[x] only dateTime
* extension[frameworkVersion] ^short = "Version of the definitions and of the policy that gave the level"
* extension[frameworkVersion].value[x] 1..1
* extension[frameworkVersion].value[x] only string
* extension[level] ^short = "standard | enhanced | intensive"
* extension[level].value[x] 1..1
* extension[level].value[x] only code
* extension[level].value[x] from $levels (required)
* extension[pathway] ^short = "A way of working that suits this patient now"
* extension[pathway].value[x] 1..1
* extension[pathway].value[x] only CodeableConcept
* extension[pathway].value[x] from $pathways (extensible)
* extension[reviewBy] ^short = "The day by which a person looks at this profile again"
* extension[reviewBy].value[x] 1..1
* extension[reviewBy].value[x] only date

Invariant: pers-ext-1
Description: "On a Patient the extension names a level; where there is no level the extension is taken off."
Severity: #error
Expression: "%resource.ofType(Patient).exists() implies extension.where(url = 'level').exists()"

Invariant: pers-ext-2
Description: "A resource bears the extension once: it has one profile."
Severity: #error
Expression: "%resource.extension.where(url = 'https://w3id.org/fhir-personalization/StructureDefinition/patient-personalization').count() <= 1"

Invariant: pers-ext-3
Description: "A Patient who has died has neither level nor pathway."
Severity: #error
Expression: "%resource.ofType(Patient).where(deceased.exists() and (deceased is dateTime or deceased = true)).exists() implies extension.where(url = 'level' or url = 'pathway').empty()"

Invariant: pers-ext-4
Description: "A Patient bears no reason, no measure and no usual provider: those stand on the panel."
Severity: #error
Expression: "%resource.ofType(Patient).extension.where(url = 'https://w3id.org/fhir-personalization/StructureDefinition/personalization-rationale' or url = 'https://w3id.org/fhir-personalization/StructureDefinition/measure-basis' or url = 'https://w3id.org/fhir-personalization/StructureDefinition/usual-provider').empty()"
