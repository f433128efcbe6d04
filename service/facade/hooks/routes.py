"""`/cds-services`: discovery, calls and feedback."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from service import feedback as keeping
from service.facade.access.grant import Grant
from service.facade.hooks import feedback
from service.facade.hooks.card import cards
from service.facade.hooks.request import patient_of
from service.facade.hooks.services import SERVICES, Service
from service.facade.http import json_body, part
from service.facade.limits import proving
from service.facade.outcome import Refusal
from service.facade.served import Served
from service.facade.watched import Open, Watched

PATH = "/cds-services"
STAFF = ("Practitioner/", "PractitionerRole/")

discovery = APIRouter(prefix=PATH, route_class=Open)
router = APIRouter(prefix=PATH, route_class=Watched)


@discovery.get("")
async def services() -> Response:
    """What is offered; it tells nothing of anybody."""
    return _json({"services": [each.discovered for each in SERVICES.values()]})


async def _client(request: Request) -> Grant:
    """Before anything else is looked at; with tokens switched off everybody on this machine is one."""
    served: Served = request.app.state.served
    access = request.state.access
    async with proving(served.limits, f"refused {access.address}"):
        grant = await served.hook_grant(request.headers.get("authorization"), request.scope["path"])
    access.grant = grant
    await served.limits.take(f"hook {grant.client}")
    return grant


def _service(request: Request) -> Service:
    name = part(request, "service")
    if name not in SERVICES:
        raise Refusal(404, "not-found", "there is no such service; GET /cds-services lists them")
    return SERVICES[name]


@router.post("/{service}")
async def call(request: Request) -> Response:
    """Cards about the patient of the context; none where nothing is to be said, or nobody of the staff asks."""
    await _client(request)
    served: Served = request.app.state.served
    service, access = _service(request), request.state.access
    access.interaction, access.type, access.query = "operation", "Observation", f"hook={service.hook}"
    patient, user = patient_of(await json_body(request), service, served.source.bases)
    kept = await served.profiles.gist(patient) if user.startswith(STAFF) else None
    made = cards(kept.says, served.pathways, served.origin, served.app) if kept else []
    if kept and made:
        access.show(patient, f"Observation/{kept.id}")
    served.metrics.cards(service.id, len(made))
    return _json({"cards": made})


@router.post("/{service}/feedback")
async def hear(request: Request) -> Response:
    """What became of cards; told again it counts once."""
    client, service = await _client(request), _service(request)
    served: Served = request.app.state.served
    request.state.access.query = f"feedback={service.hook}"
    heard = feedback.told(await json_body(request), client.client, service.id)
    await run_in_threadpool(keeping.record, served.catalog, heard)
    for each in heard:
        served.metrics.feedback(service.id, each.outcome)
    return _json({})


def _json(document: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(document), media_type="application/json")
