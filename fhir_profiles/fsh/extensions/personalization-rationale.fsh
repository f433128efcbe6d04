// Why the level or a pathway was given: one rule of the policy that fired, with its number and its threshold.
//
// - One rationale a rule, on the panel alone: a reason never stands on the Patient.
// - The list of parts is closed, and the measure is one of this guide: who a patient is (race, language, sex, age,
//   address) can be no reason, for there is no place to put it.
// - The value is absent where the rule fired because nothing was ever recorded (no preventive visit, ever).

Extension: PersonalizationRationale
Id: personalization-rationale
Title: "Personalization rationale"
Description: "One rule of the policy that fired: which rule, on which measure, at which value, against which threshold."
Context: Observation
* insert ForUse
* . ^short = "One rule of the policy that fired"
* extension ^slicing.rules = #closed
* extension contains
    code 1..1 and
    measure 1..1 and
    value 0..1 and
    threshold 0..1
* extension[code] ^short = "The rule"
* extension[code].value[x] 1..1
* extension[code].value[x] only code
* extension[code].value[x] from $rationales (required)
* extension[measure] ^short = "The measure that the rule read"
* extension[measure].value[x] 1..1
* extension[measure].value[x] only code
* extension[measure].value[x] from $measures (required)
* extension[value] ^short = "The measure's value when the rule fired"
* extension[value].value[x] 1..1
* extension[value].value[x] only Quantity or date
* extension[threshold] ^short = "What the value was compared with, such as 4 visits or 18 months"
* extension[threshold].value[x] 1..1
* extension[threshold].value[x] only Quantity
