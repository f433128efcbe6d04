"""A store in, the FastAPI application that serves it as a FHIR R4 server out."""

from __future__ import annotations

from fastapi import Depends, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from service.sandbox.exports import Exports
from service.sandbox.faults import Faults
from service.sandbox.http import BASE, fhir_json, speaks_json
from service.sandbox.interactions import (
    capabilities,
    create,
    delete,
    export,
    history,
    patch,
    read,
    search,
    transaction,
    update,
)
from service.sandbox.misbehaviour import Misbehaving
from service.sandbox.outcome import Refusal, operation_outcome
from service.sandbox.paging import NextLinks
from service.sandbox.store import Store
from service.sandbox.versions import Version
from service.sandbox.witness import Before, Log, Witness

# The first route that fits answers: /metadata before /{type}.
_INTERACTIONS = (capabilities, transaction, search, create, history, read, update, patch, delete)


def create_app(
    store: Store,
    *,
    log: Log | None = None,
    before: Before | None = None,
    faults: Faults | None = None,
    fhir: Version = "r4",
) -> FastAPI:
    """The server over this store. `log` hears of every answer, `before` may act or answer first, `faults` spoil it."""
    faults = faults or Faults()
    store.limits = faults.limits
    app = FastAPI(title="FHIR sandbox", openapi_url=None)
    app.state.store, app.state.before = store, before
    app.state.links = NextLinks(lambda: faults.plan.paging)
    app.state.faults, app.state.exports, app.state.fhir = faults, Exports(), fhir
    app.include_router(export.router, prefix=BASE)  # it answers in NDJSON, and with nothing at all
    for interaction in _INTERACTIONS:
        app.include_router(interaction.router, prefix=BASE, dependencies=[Depends(speaks_json)])
    app.add_middleware(Misbehaving, faults=faults)
    app.add_middleware(Witness, log=log)
    app.exception_handler(Refusal)(_refused)
    app.exception_handler(HTTPException)(_no_such_route)
    app.exception_handler(Exception)(_failed)
    return app


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return fhir_json(error.outcome, error.status)


async def _no_such_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = f"{request.method} {request.url.path}: {error.detail}"
    headers = dict(error.headers) if error.headers else None
    return fhir_json(operation_outcome("not-supported", said), error.status_code, headers)


async def _failed(_: Request, error: Exception) -> Response:
    """A defect of the sandbox itself; uvicorn logs the traceback."""
    return fhir_json(operation_outcome("exception", f"the sandbox failed: {type(error).__name__}"), 500)
