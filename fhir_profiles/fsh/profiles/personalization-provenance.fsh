// Where a panel came from: the device that derived it, and the records that it was derived from: visits, claims, what
// payers answered to them, and conditions.
//
// - One Provenance for each content written, about that panel alone, or about what stands in for it on a lower rung.
// - Up to 50 records are named one by one. Above that one contained List stands for all of them: its
//   identifier is the digest of their sorted references (RFC 6920, "ni:///sha-256;..."), its note tells how many.
// - A second agent is the person who reviewed it: a verifier who accepted or declined it, an author who overrode it; the
//   reason is theirs.
// - A visit that the policy keeps out of what is published is named here neither.

Profile: PersonalizationProvenance
Parent: Provenance
Id: personalization-provenance
Title: "Personalization provenance"
Description: "Which device derived a personalization profile, when, and from which visits, claims, answers of payers and conditions."
* insert ForUse
* obeys pers-prov-1 and pers-prov-2
* target 1..1
* target only Reference(Observation or Flag or DocumentReference)
* agent 1..2
* agent.who only Reference(Device or Practitioner or PractitionerRole)
* entity.role = #source
* entity.what only Reference(Encounter or Claim or ExplanationOfBenefit or ClaimResponse or Condition or List)

Invariant: pers-prov-1
Description: "At most 50 records are named one by one; more are given as one digest."
Severity: #error
Expression: "entity.count() <= 50"

Invariant: pers-prov-2
Description: "A digest stands alone, for all the evidence: a contained List with an RFC 6920 identifier and a note that tells how many."
Severity: #error
Expression: "entity.where(what.reference = '#evidence').exists() implies (entity.count() = 1 and contained.ofType(List).where(identifier.where(system = 'urn:ietf:rfc:6920' and value.startsWith('ni:///sha-256;')).exists() and note.exists()).exists())"
