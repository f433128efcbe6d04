"""A visit in, its Encounter out."""

from __future__ import annotations

from datetime import datetime

from service.sandbox.population import codes
from service.sandbox.population.codes import Element
from service.sandbox.population.draw import meta
from service.sandbox.population.visits import Visit

_SECURITY = {"": None, "R": codes.RESTRICTED, "V": codes.VERY_RESTRICTED}
_TYPES = {"EMER": codes.EMERGENCY, "IMP": codes.ADMISSION, "ACUTE": codes.ADMISSION, "OBSENC": codes.ADMISSION}
_PREVENTIVE = {"adult": codes.GENERAL_EXAMINATION, "child": codes.WELL_CHILD}
_ADMITTED_FROM = {"emd": codes.FROM_EMERGENCY, "born": codes.BORN_HERE}


def encounter(visit: Visit) -> Element:
    resource: Element = {
        "resourceType": "Encounter",
        "id": visit.id,
        "meta": meta(visit.updated, _SECURITY[visit.security]),
        "status": visit.status,
        "class": codes.CLASSES[visit.kind],
        "type": [_type(visit)],
        "subject": {"reference": visit.subject},
    }
    participants = _participants(visit)
    if participants:
        resource["participant"] = participants
    resource["period"] = period(visit)
    stay = _hospitalization(visit)
    if stay:
        resource["hospitalization"] = stay
    resource["serviceProvider"] = {"reference": visit.organization.reference}
    if visit.within:
        resource["partOf"] = {"reference": f"Encounter/{visit.within.id}"}
    return resource


def _type(visit: Visit) -> Element:
    if visit.preventive:
        return _PREVENTIVE[visit.preventive]
    return _TYPES.get(visit.kind) or (codes.FOLLOW_UP if visit.follow_up else codes.CHECK_UP)


def _participants(visit: Visit) -> list[Element]:
    """One clinician as a rule; several with the attender named by type, a PractitionerRole, a mere name, or nobody."""
    known = {"reference": visit.clinician.practitioner}
    if visit.staffing == "one":
        return [{"type": codes.PRIMARY, "individual": known}]
    if visit.staffing == "several":
        admitter = {"type": codes.ADMITTER, "individual": {"reference": "Practitioner/prac-001"}}
        return [admitter, {"type": codes.ATTENDER, "individual": known}]
    if visit.staffing == "role":
        return [{"type": codes.PRIMARY, "individual": {"reference": visit.clinician.role}}]
    return [{"individual": {"display": "on-call clinician"}}] if visit.staffing == "unnamed" else []


def period(visit: Visit) -> Element:
    """As precisely as it was recorded: '2025', '2025-03' and '2025-03-04' have no end but the day."""
    start = recorded(visit.start, visit)
    if visit.precision:
        return {"start": start[: visit.precision]}
    return {"start": start, "end": recorded(visit.end, visit)} if visit.end else {"start": start}


def recorded(moment: datetime, visit: Visit) -> str:
    """In the zone in which this organization writes times."""
    return moment.astimezone(visit.organization.zone).isoformat()


def _hospitalization(visit: Visit) -> Element:
    stay: Element = {}
    if visit.admitted_from:
        stay["admitSource"] = _ADMITTED_FROM[visit.admitted_from]
    if visit.disposition:
        stay["dischargeDisposition"] = codes.DISPOSITIONS[visit.disposition]
    return stay
