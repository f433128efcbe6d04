"""A route in, the same route watched out: refusals become OperationOutcomes, and every answer is recorded and counted.

An access is recorded before its answer leaves. Logs and metrics tell the route's template, never the address asked for.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Coroutine
from typing import Any, cast

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from service.errors import LakeProblem
from service.facade.audit.access import Access
from service.facade.http import refused
from service.facade.outcome import Refusal, malformed
from service.facade.served import Served
from service.tracing import span

log = structlog.get_logger(__name__)

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Watched(APIRoute):
    """The class of every route here; `kept` says whether answers of it are recorded."""

    kept = True

    def get_route_handler(self) -> Handler:
        handle, template, kept = self._handler(), self.path_format, self.kept

        async def watched(request: Request) -> Response:
            began = time.perf_counter()
            served: Served = request.app.state.served
            access = request.state.access = Access(address=_address(request), kept=kept)
            with span(f"{request.method} {template}", source=served.source.id) as told:
                response = await _answered(handle, request)
                response = _recorded(served, access, response)
                told["status"] = response.status_code
            seconds = time.perf_counter() - began
            served.metrics.answered(template, request.method, response.status_code, seconds)
            log.info(
                "answered",
                route=template,
                method=request.method,
                status=response.status_code,
                ms=round(seconds * 1000, 1),
            )
            return response

        return watched

    def _handler(self) -> Handler:
        """A function of the request alone is called as it is: all that FastAPI does in between is for arguments."""
        if list(inspect.signature(self.endpoint).parameters) == ["request"]:
            return cast(Handler, self.endpoint)
        return super().get_route_handler()


class Open(Watched):
    """Of what shows nothing of anybody."""

    kept = False


async def _answered(handle: Handler, request: Request) -> Response:
    try:
        return await handle(request)
    except Refusal as refusal:
        return refused(refusal)
    except LakeProblem as problem:
        log.warning("nothing to serve", reason=problem.what)
        return refused(Refusal(503, "transient", "there is nothing to serve just now", {"Retry-After": "10"}))
    except RequestValidationError:
        return refused(malformed("a part of the request is missing, or is not of its type"))
    except HTTPException as error:
        return refused(Refusal(error.status_code, "processing", "the request could not be read", error.headers))
    except Exception as error:  # noqa: BLE001 - a defect of ours; its words may name a patient, so its type alone is told
        log.error("failed", reason=type(error).__name__, where=_where(error))
        return refused(Refusal(500, "exception", "the service failed; its log says where"))


def _recorded(served: Served, access: Access, response: Response) -> Response:
    """What was to be shown is not, where it cannot be recorded."""
    access.status = response.status_code
    if not access.kept:
        return response
    try:
        served.accesses.keep(access)
    except Refusal as refusal:
        log.error("access not recorded", reason=refusal.said)
        return refused(refusal)
    return response


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _where(error: Exception) -> str:
    """The innermost line of ours, as a developer looks for it."""
    trace, place = error.__traceback__, ""
    while trace:
        name = trace.tb_frame.f_code.co_filename
        if "/service/" in name:
            place = f"{name.rpartition('/service/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
