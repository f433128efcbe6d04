"""An access in, its AuditEvents out: one for each patient of whom anything was shown, as IHE's BALP has it.

https://profiles.ihe.net/ITI/BALP/content.html. They are made in R4's shape, and said in STU3's or R5's.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Callable, Iterator, Mapping

from service.compose.content import Json
from service.facade.audit.access import Access
from service.server.capability import Release

BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit"
TERMS = "http://terminology.hl7.org/CodeSystem"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
PROFILES = {
    ("read", True): f"{BALP}.PatientRead",
    ("read", False): f"{BALP}.Read",
    ("search-type", True): f"{BALP}.PatientQuery",
    ("search-type", False): f"{BALP}.Query",
}
REFERENCES = 50  # named one by one; a page of more is told by its query


def events(
    access: Access, identify: Callable[[], str], now: dt.datetime, observer: str
) -> Iterator[tuple[str | None, Json]]:
    """(`Patient/id` or None, the AuditEvent); what showed nothing is one event about nobody."""
    for patient, references in (access.seen or {None: []}).items():
        yield patient, _event(access, patient, references, identify(), now, observer)


def _event(
    access: Access, patient: str | None, references: list[str], identifier: str, now: dt.datetime, observer: str
) -> Json:
    profile = PROFILES.get((access.interaction, patient is not None))
    return {
        "resourceType": "AuditEvent",
        "id": identifier,
        **({"meta": {"profile": [profile]}} if profile else {}),
        "type": {"system": f"{TERMS}/audit-event-type", "code": "rest", "display": "RESTful Operation"},
        "subtype": [{"system": INTERACTION, "code": access.interaction or "operation"}],
        "action": "R" if access.interaction == "read" else "E",
        "recorded": now.isoformat(timespec="milliseconds"),
        "outcome": access.outcome,
        "agent": list(_agents(access, observer)),
        "source": {
            "observer": {"display": observer},
            "type": [{"system": f"{TERMS}/security-source-type", "code": "4"}],
        },
        "entity": list(_entities(access, patient, references)),
    }


def _agents(access: Access, observer: str) -> Iterator[Json]:
    """Data flows from the server to the client when it is read; a query flows the other way."""
    reads, grant = access.interaction == "read", access.grant
    server, client = ("110153", "110152") if reads else ("110152", "110153")
    yield {"type": _dicom(server), "who": {"display": observer}, "requestor": False}
    network = {"network": {"address": access.address, "type": "2"}} if access.address else {}
    policy = {"policy": [f"urn:jti:{grant.token}"]} if grant.token else {}
    by_user = bool(grant.user or grant.subject)
    named = {"identifier": {"value": grant.client}} if grant.client else {"display": "unknown"}
    yield {"type": _dicom(client), "who": named, "requestor": not by_user, **network, **policy}
    if by_user:
        who = {"reference": grant.user} if grant.user else {"identifier": {"value": grant.subject}}
        recipient = {"system": f"{TERMS}/v3-ParticipationType", "code": "IRCP", "display": "information recipient"}
        yield {"type": {"coding": [recipient]}, "who": who, "requestor": True}


def _dicom(code: str) -> Json:
    display = {"110153": "Source Role ID", "110152": "Destination Role ID"}[code]
    return {"coding": [{"system": DICOM, "code": code, "display": display}]}


def _entities(access: Access, patient: str | None, references: list[str]) -> Iterator[Json]:
    if patient:
        yield {"what": {"reference": patient}, "type": _entity("1", "Person"), "role": _role("1", "Patient")}
    for reference in references[:REFERENCES]:
        yield {
            "what": {"reference": reference},
            "type": _entity("2", "System Object"),
            "role": _role("4", "Domain Resource"),
        }
    if access.query or access.interaction == "search-type":
        query = base64.b64encode(f"{access.type}?{access.query}".encode()).decode()
        yield {"type": _entity("2", "System Object"), "role": _role("24", "Query"), "query": query}


def _entity(code: str, display: str) -> Json:
    return {"system": f"{TERMS}/audit-entity-type", "code": code, "display": display}


def _role(code: str, display: str) -> Json:
    return {"system": f"{TERMS}/object-role", "code": code, "display": display}


def said_in(release: Release, event: Json) -> Json:
    """As that release says it. https://hl7.org/fhir/R5/auditevent.html, https://hl7.org/fhir/STU3/auditevent.html"""
    return {"STU3": _stu3, "R5": _r5}.get(release, lambda each: each)(event)


def _stu3(event: Json) -> Json:
    older = {"meta": event["meta"]} if "meta" in event else {}
    agents = [_stu3_agent(each) for each in event["agent"]]
    source = {**event["source"], "identifier": {"value": event["source"]["observer"]["display"]}}
    source.pop("observer")
    entities = [_renamed(each, {"what": "reference"}) for each in event["entity"]]
    return {**event, **older, "agent": agents, "source": source, "entity": entities}


def _stu3_agent(agent: Json) -> Json:
    who, rest = agent["who"], {name: each for name, each in agent.items() if name not in ("who", "type")}
    named: Json = {"reference": who} if "reference" in who else {}
    if not named:
        named = {"userId": who["identifier"]} if "identifier" in who else {"name": who["display"]}
    return {"role": [agent["type"]], **named, **rest}


def _r5(event: Json) -> Json:
    same = ("resourceType", "id", "meta", "action", "recorded")
    kept: Json = {name: event[name] for name in same if name in event}
    codes = {"0": "success", "4": "error", "8": "error"}
    outcome = {"code": {"system": "http://hl7.org/fhir/issue-severity", "code": codes[event["outcome"]]}}
    return {
        **kept,
        "category": [{"coding": [event["type"]]}],
        "code": {"coding": event["subtype"]},
        "outcome": outcome,
        "agent": [_r5_agent(each) for each in event["agent"]],
        "source": {"observer": event["source"]["observer"]},
        "entity": [_r5_entity(each) for each in event["entity"]],
    }


def _r5_agent(agent: Json) -> Json:
    network = {"networkString": agent["network"]["address"]} if "network" in agent else {}
    return {**{name: each for name, each in agent.items() if name != "network"}, **network}


def _r5_entity(entity: Json) -> Json:
    kept = {name: each for name, each in entity.items() if name != "type"}
    return {**kept, "role": {"coding": [entity["role"]]}}


def _renamed(element: Json, names: Mapping[str, str]) -> Json:
    return {names.get(name, name): each for name, each in element.items()}
