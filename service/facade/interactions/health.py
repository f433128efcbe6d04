"""Whether the process lives, whether it should be asked anything, and what it counted."""

from __future__ import annotations

import hmac
import ipaddress

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from service.errors import LakeProblem
from service.facade.http import Wired
from service.facade.metrics import TEXT
from service.facade.outcome import unauthorized
from service.facade.served import Served
from service.facade.watched import Open

router = APIRouter(route_class=Open)


@router.get("/healthz")
async def healthz() -> Response:
    """200 while the process answers at all."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz")
async def readyz(served: Wired) -> Response:
    """503 while there is nothing to serve, and once it is about to end."""
    try:
        served.metrics.published(served.shelf.about.published)
    except LakeProblem:
        return JSONResponse({"status": "nothing to serve yet"}, 503)
    return JSONResponse({"status": "draining"}, 503) if served.draining else JSONResponse({"status": "ok"})


@router.get("/metrics")
async def metrics(request: Request, served: Wired) -> Response:
    """Prometheus's text; by its own token, or without one to this machine alone."""
    if not _may(request, served):
        raise unauthorized("the metrics are not for everybody", presented="authorization" in request.headers)
    await run_in_threadpool(_looked_up, served)
    return Response(served.metrics.text(), media_type=TEXT)


def _looked_up(served: Served) -> None:
    source = served.source.id
    served.metrics.queue(source, served.queue.counts(source), served.queue.ended(source))


def _may(request: Request, served: Served) -> bool:
    secret = served.settings.metrics_secret()
    if secret:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), secret.encode())
    forwarded = {"forwarded", "x-forwarded-for"} & set(request.headers.keys())
    return not forwarded and request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
