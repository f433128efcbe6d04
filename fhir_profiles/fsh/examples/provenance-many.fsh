// 63 visits and claims: Claim/intensive-01 to -46 and Encounter/intensive-01 to -17. The identifier is the digest of
// their sorted references, each ended by a newline, so that anybody who holds the list can check it.

Instance: example-provenance-many
InstanceOf: PersonalizationProvenance
Usage: #example
Title: "Provenance, evidence as a digest"
Description: "63 visits and claims, given as the digest of their references."
* insert MadeByUs
* target = Reference(Observation/example-panel-intensive)
* recorded = "2026-03-01T02:10:00-05:00"
* agent.who = Reference(Device/example-device)
* contained = evidence
* entity.role = #source
* entity.what = Reference(evidence)

Instance: evidence
InstanceOf: List
Usage: #inline
* status = #current
* mode = #snapshot
* identifier.system = "urn:ietf:rfc:6920"
* identifier.value = "ni:///sha-256;kaoPuM3qSnsAWD9xMZoxpkGtMCZx9tYBVf92Ng4N4x8"
* note.text = "63 records; the identifier is the SHA-256 of their sorted references."
