"""In: a few words. Out: small FHIR resources and their measures, so that a test shows its history and little else."""

from decimal import Decimal

from .references import Json
from .synthea import answers
from .year import Value

CLASS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
RESTRICTED: Json = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]}


def patient(key: str = "p", **more: object) -> Json:
    return {"resourceType": "Patient", "id": key, **more}


def link(other: str, kind: str) -> Json:
    return {"other": {"reference": f"Patient/{other}"}, "type": kind}


def encounter(
    key: str,
    code: str,
    start: str,
    end: str | None = None,
    *,
    who: str = "p",
    part_of: str | None = None,
    **more: object,
) -> Json:
    period = {"start": start} | ({"end": end} if end else {})
    content = {"status": "finished", "class": {"system": CLASS, "code": code}, "period": period}
    parent = {"partOf": {"reference": f"Encounter/{part_of}"}} if part_of else {}
    subject = {"subject": {"reference": f"Patient/{who}"}}
    return {"resourceType": "Encounter", "id": key, **content, **subject, **parent, **more}


def at(organisation: str) -> Json:
    return {"serviceProvider": {"reference": f"Organization/{organisation}"}}


def seen_by(clinician: str, role: str | None = None) -> Json:
    kind = {"type": [{"coding": [{"system": PARTICIPATION, "code": role}]}]} if role else {}
    return {"individual": {"reference": clinician if "/" in clinician else f"Practitioner/{clinician}"}, **kind}


def of_type(code: str) -> Json:
    return {"type": [{"coding": [{"system": "http://snomed.info/sct", "code": code}]}]}


def claim(key: str, day: str, total: str | None = None, *, currency: str = "USD", **more: object) -> Json:
    content: Json = {"status": "active", "use": "claim", "created": day, "patient": {"reference": "Patient/p"}}
    money = {"total": usd(total, currency)} if total else {}
    return {"resourceType": "Claim", "id": key, **content, **money, **more}


def usd(value: str, currency: str = "USD") -> Json:
    return {"value": Decimal(value), "currency": currency}


def resubmits(key: str) -> Json:
    return {"related": [{"claim": {"reference": f"Claim/{key}"}, "relationship": {"coding": [{"code": "prior"}]}}]}


def measures(*resources: Json, as_of: str = "2026-07-01", zone: str = "UTC", who: str = "p") -> dict[str, Value]:
    """The oracle's answer for one patient (a plain one, when none is among the resources)."""
    by_type: dict[str, list[Json]] = {"Patient": [], "Encounter": [], "Claim": []}
    for resource in resources:
        by_type.setdefault(resource["resourceType"], []).append(resource)
    by_type["Patient"] = by_type["Patient"] or [patient()]
    return answers(by_type, as_of, zone)[f"Patient/{who}"].measures
