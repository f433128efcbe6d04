"""The code systems that synthetic resources use, and the codings built from them once."""

from __future__ import annotations

from typing import Any

Element = dict[str, Any]

HL7 = "http://terminology.hl7.org/CodeSystem"
SANDBOX = "https://w3id.org/fhir-personalization/sandbox"
SNOMED = "http://snomed.info/sct"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
CARIN = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication"
CARIN_REASON = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudicationDiscriminator"


def coding(system: str, code: str, display: str | None = None) -> Element:
    return {"system": system, "code": code} | ({"display": display} if display else {})


def concept(system: str, code: str, display: str | None = None) -> Element:
    return {"coding": [coding(system, code, display)]}


def identifier(kind: str, value: str) -> list[Element]:
    return [{"system": f"{SANDBOX}/{kind}", "value": value}]


_ACT = f"{HL7}/v3-ActCode"

CLASSES = {
    "AMB": coding(_ACT, "AMB", "ambulatory"),
    "VR": coding(_ACT, "VR", "virtual"),
    "HH": coding(_ACT, "HH", "home health"),
    "EMER": coding(_ACT, "EMER", "emergency"),
    "IMP": coding(_ACT, "IMP", "inpatient encounter"),
    "ACUTE": coding(_ACT, "ACUTE", "inpatient acute"),
    "OBSENC": coding(_ACT, "OBSENC", "observation encounter"),
    "local": coding(f"{SANDBOX}/encounter-class", "GROUP-SESSION", "group session"),
}

CHECK_UP = concept(SNOMED, "185349003", "Encounter for check up (procedure)")
FOLLOW_UP = concept(SNOMED, "390906007", "Follow-up encounter (procedure)")
EMERGENCY = concept(SNOMED, "50849002", "Emergency room admission (procedure)")
ADMISSION = concept(SNOMED, "32485007", "Hospital admission (procedure)")
GENERAL_EXAMINATION = concept(SNOMED, "162673000", "General examination of patient (procedure)")
WELL_CHILD = concept(SNOMED, "410620009", "Well child visit (procedure)")

PRIMARY = [concept(f"{HL7}/v3-ParticipationType", "PPRF", "primary performer")]
ATTENDER = [concept(f"{HL7}/v3-ParticipationType", "ATND", "attender")]
ADMITTER = [concept(f"{HL7}/v3-ParticipationType", "ADM", "admitter")]

RESTRICTED = [coding(f"{HL7}/v3-Confidentiality", "R", "restricted")]
VERY_RESTRICTED = [coding(f"{HL7}/v3-Confidentiality", "V", "very restricted")]

FROM_EMERGENCY = concept(f"{HL7}/admit-source", "emd", "From accident/emergency department")
BORN_HERE = concept(f"{HL7}/admit-source", "born", "Born in hospital")
DISPOSITIONS = {
    "home": concept(f"{HL7}/discharge-disposition", "home", "Home"),
    "other-hcf": concept(f"{HL7}/discharge-disposition", "other-hcf", "Other healthcare facility"),
    "aadvice": concept(f"{HL7}/discharge-disposition", "aadvice", "Left against advice"),
    "exp": concept(f"{HL7}/discharge-disposition", "exp", "Expired"),
}

NORMAL_PRIORITY = concept(f"{HL7}/processpriority", "normal")
PRIOR_CLAIM = concept(f"{HL7}/ex-relatedclaimrelationship", "prior")
CLAIM_TYPES = {code: concept(f"{HL7}/claim-type", code) for code in ("institutional", "professional", "pharmacy")}
ADJUDICATIONS = {
    **{code: concept(f"{HL7}/adjudication", code) for code in ("submitted", "copay", "deductible", "benefit")},
    **{code: concept(CARIN, code) for code in ("coinsurance", "memberliability")},
    "denialreason": concept(CARIN_REASON, "denialreason"),
}
DENIED = concept(f"{HL7}/adjudication-reason", "ar002", "Plan Limit Reached")
