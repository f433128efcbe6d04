// Where a server takes no panel: the level alone, for staff, in neutral words, and for how long it counts.
//
// - No number, no reason, no pathway: who may see a Flag may be anybody.
// - Active while the level counts; inactive where there is none, or where a person holds it back.

Profile: PersonalizationFlag
Parent: Flag
Id: personalization-flag
Title: "Personalization flag"
Description: "The level of one patient as a Flag, for servers that take no panel."
* insert ForUse
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
* code from $levels (extensible)
* code.text 1..1
* subject only Reference(Patient)
* period 1..1
* period.start 1..1
* period.end 1..1
