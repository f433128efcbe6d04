"""A FHIR server's notification in, jobs on record out, before it is answered: who calls proves it by its own secret.

Whatever cannot be told from the call alone - no payload, ids alone, events that were lost on the way - is asked of the
configured server, never of an address in the call, and once for many calls.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
import structlog
from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from service.facade.body import strict_json
from service.facade.http import Wired
from service.facade.limits import proving
from service.facade.outcome import malformed, unauthorized
from service.facade.served import Served
from service.facade.watched import Open
from service.jobs.changes import patient_of
from service.subscriptions.kept import Kept, Subscription
from service.subscriptions.notification import NoNotification, Notification, read

WITHOUT_EVENTS = ("handshake", "heartbeat", "query-status")

router = APIRouter(prefix="/notify", route_class=Open)
log = structlog.get_logger(__name__)


async def _proven(id: str, request: Request, served: Wired) -> Subscription:
    """401 to whoever does not know the secret, whether there is such a Subscription or not."""
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    async with proving(served.limits, f"notify {request.state.access.address}"):
        found = await run_in_threadpool(Kept(served.queue.engine).one, id)
        if found is None or found.source != served.source.id or not found.proves(given):
            raise unauthorized("no Subscription of ours is proven by that", presented=bool(given))
        return found


Proven = Annotated[Subscription, Depends(_proven)]


@router.post("/{id}")
@router.put("/{id}/{kind}/{resource}")
@router.post("/{id}/{kind}/{resource}")
async def called(subscription: Proven, request: Request, served: Wired) -> Response:
    """200 once what it means is on record; R4 sends a resource as an update below the endpoint."""
    body = await request.body()
    try:
        told = read(strict_json(body)) if body else Notification()
    except NoNotification as error:
        raise malformed(str(error)) from None
    await run_in_threadpool(_received, served, subscription, told)
    return Response(status_code=200)


def _received(served: Served, subscription: Subscription, told: Notification) -> None:
    last, lacks = subscription.events, told.lacks(subscription.events)
    if lacks:
        log.warning("notifications were lost on the way; what changed is asked for", source=subscription.source)
    patients = None if lacks else _patients(served, told)
    if patients:
        served.queue.ask(subscription.source, "patient", patients if told.new(last) else ())
    elif lacks or (told.type not in WITHOUT_EVENTS and told.new(last)):
        served.queue.ask(subscription.source, "changes")
    state = told.status if told.status in ("error", "off") else "active"
    Kept(served.queue.engine).heard(subscription, state, max([told.total or 0, last, *told.numbers]))


def _patients(served: Served, told: Notification) -> list[str] | None:
    """Of all that came; None where anybody may be meant who is not named."""
    found = [patient_of(msgspec.json.encode(each), served.source) for each in told.resources]
    if not found or None in found or len(found) < len(told.numbers):
        return None
    return [each for each in found if each]
