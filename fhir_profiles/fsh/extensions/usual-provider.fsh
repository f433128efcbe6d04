// Whom the patient usually sees, or where: for who books the next visit.
//
// - On the panel alone: a Patient has generalPractitioner for whom the patient has chosen; this is what was seen.
// - The share and N say how usual it is: 3 of 4 visits is another thing than 3 of 9.
// - Where nobody stands out the extension is left out; its measures then say why.

Extension: UsualProvider
Id: usual-provider
Title: "Usual provider"
Description: "The clinician or the site of most outpatient visits, with its share of them and their number."
Context: Observation
* insert ForUse
* . ^short = "The clinician or the site of most outpatient visits"
* obeys pers-usual-1
* extension ^slicing.rules = #closed
* extension contains
    provider 1..1 and
    role 1..1 and
    share 1..1 and
    visits 1..1
* extension[provider] ^short = "Who, or where"
* extension[provider].value[x] 1..1
* extension[provider].value[x] only Reference(Practitioner or PractitionerRole or Location or Organization)
* extension[role] ^short = "clinician | site"
* extension[role].value[x] 1..1
* extension[role].value[x] only code
* extension[role].value[x] from $provider-roles (required)
* extension[share] ^short = "Share, 0 to 1, of the visits that name a clinician or a site"
* extension[share].value[x] 1..1
* extension[share].value[x] only decimal
* extension[visits] ^short = "N, how many visits name one"
* extension[visits].value[x] 1..1
* extension[visits].value[x] only decimal

Invariant: pers-usual-1
Description: "The share is above 0 and at most 1."
Severity: #error
Expression: "extension.where(url = 'share').all(value > 0 and value <= 1)"
