// A prediction, kept apart from what was counted: it may be wrong, and it must say how likely.
//
// - Its ground is the panel, so that a reader sees the numbers that it was made from.
// - It names its method and version. A model ships only when it beats "next year will be like this one" on later data,
//   with its calibration for each group (requirements of the service, not of a validator).
// - It gives no level and no pathway: those come from rules that anybody can read.

Profile: PersonalizationRisk
Parent: RiskAssessment
Id: personalization-risk
Title: "Personalization risk"
Description: "What a model expects of one patient, with its probability, its method and the panel that it was made from."
* insert ForUse
* obeys pers-risk-1
* identifier 1..1
* identifier.system 1..1
* identifier.system = $profile-identifier
* identifier.value 1..1
* subject only Reference(Patient)
* occurrence[x] 1..1
* occurrence[x] only dateTime
* method 1..1
* method.text 1..1
* basis 1..1
* basis only Reference(Observation)
* prediction 1..*
* prediction.outcome 1..1
* prediction.probability[x] 1..1
* prediction.probability[x] only decimal
* prediction.when[x] 1..1
* prediction.when[x] only Period

Invariant: pers-risk-1
Description: "A probability is a share: neither below 0 nor above 1."
Severity: #error
Expression: "prediction.probability.all($this >= 0 and $this <= 1)"
