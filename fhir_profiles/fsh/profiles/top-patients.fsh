// Who comes first by visits or by spend: a snapshot, in order. For staff alone, and for reports: it decides nothing.
//
// - It lives in the service. It stands in no patient's compartment, so that a source gets it only where its owner asks.
// - The flag of an entry bears level and pathways as codes, and in words what the place rests on.
// - Nobody in it: an empty reason, so that empty is not taken for unread.

Profile: TopPatients
Parent: List
Id: top-patients
Title: "Top patients"
Description: "Patients in the order of one measure, as of one moment."
* insert ForUse
* obeys pers-list-1
* status = #current
* mode = #snapshot
* title 1..1
* code 1..1
* code from $measures (extensible)
* subject 0..0
* date 1..1
* orderedBy 1..1
* entry.deleted 0..0
* entry.flag 1..1
* entry.flag.text 1..1
* entry.item only Reference(Patient)

Invariant: pers-list-1
Description: "A list has entries, or says why it has none: exactly one of them."
Severity: #error
Expression: "entry.exists() xor emptyReason.exists()"
