"""`$personalize`, asynchronously: begun, watched, cancelled. https://hl7.org/fhir/R4/async.html"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from service.facade.http import BASE, Asker, JsonBody, Who, fhir_json, valid_id
from service.facade.outcome import Refusal, forbidden, malformed, not_found, operation_outcome
from service.facade.personalize.jobs import Job
from service.facade.watched import Watched

STATUS = "/_personalize/{job}"
MOST = 50

router = APIRouter(prefix=BASE, route_class=Watched)


@router.post("/$personalize")
async def personalize(who: Who, request: Request, body: JsonBody) -> Response:
    """202 with where to ask; it needs the scope to update Observation, of everybody whom it names."""
    who.asks("operation", "Observation", "operation=personalize")
    if "respond-async" not in request.headers.get("prefer", ""):
        raise malformed("it is answered asynchronously alone: send Prefer: respond-async")
    patients, group = _named(body)
    _may(who, patients, group)
    job = who.served.jobs.begin(Job(_owner(who), tuple(patients), group))
    for patient in patients:
        who.access.show(patient, patient)
    return Response(status_code=202, headers={"Content-Location": f"{who.served.base}/_personalize/{job.id}"})


@router.get(STATUS)
async def status(who: Who, job: str) -> Response:
    """202 while it is under way, with X-Progress; then what came of it."""
    found = _found(who, job)
    if not found.over:
        return Response(status_code=202, headers={"X-Progress": found.said, "Retry-After": "2"})
    if found.state == "failed":
        return fhir_json(operation_outcome("transient", found.said), 500)
    if found.state == "cancelled":
        raise Refusal(404, "not-found", "it was cancelled")
    return fhir_json(
        {"resourceType": "Parameters", "parameter": [{"name": "profiles", "valueInteger": found.profiles}]}
    )


@router.delete(STATUS)
async def cancel(who: Who, job: str) -> Response:
    """202: what has begun ends with its step."""
    who.served.jobs.cancel(_found(who, job))
    return Response(status_code=202)


def _found(who: Asker, job: str) -> Job:
    who.asks("operation", "Observation", "operation=personalize-status")
    found = who.served.jobs.of(job, _owner(who))
    if found is None:
        raise not_found()
    return found


def _owner(who: Asker) -> tuple[str, str]:
    return who.grant.issuer, who.grant.client


def _named(body: dict[str, Any]) -> tuple[list[str], str | None]:
    parameters = body.get("parameter") if body.get("resourceType") == "Parameters" else None
    if not isinstance(parameters, list) or not parameters:
        raise malformed("the body is a Parameters with patient or group")
    patients = [_reference(each, "Patient") for each in parameters if _is(each, "patient")]
    groups = [_reference(each, "Group") for each in parameters if _is(each, "group")]
    if len(patients) + len(groups) != len(parameters) or len(groups) > 1 or bool(patients) == bool(groups):
        raise malformed("either patient, as often as there are some, or group, once")
    if len(patients) > MOST:
        raise malformed(f"at most {MOST} patients at once; of more make a Group")
    return patients, groups[0].removeprefix("Group/") if groups else None


def _is(parameter: Any, name: str) -> bool:
    return isinstance(parameter, dict) and parameter.get("name") == name


def _reference(parameter: dict[str, Any], type: str) -> str:
    value = parameter.get("valueReference")
    said = value.get("reference") if isinstance(value, dict) else None
    given, _, identifier = said.partition("/") if isinstance(said, str) else ("", "", "")
    if given != type:
        raise malformed(f"{parameter['name']} is a reference such as {type}/1")
    return f"{type}/{valid_id(identifier)}"


def _may(who: Asker, patients: list[str], group: str | None) -> None:
    named = [*patients, *([None] if group else [])]
    if not all(who.grant.reaches(patient, "Observation", "u") for patient in named):
        raise forbidden("the token's scope does not cover this")
