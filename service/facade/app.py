"""What is to be served in, the FastAPI application that serves it out."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from service import __version__
from service.facade.borders import Borders
from service.facade.hooks import routes
from service.facade.http import refused
from service.facade.interactions import capabilities, configuration, health, notify, personalize, profile, read, search
from service.facade.outcome import Refusal
from service.facade.page import routes as page
from service.facade.served import Served

# The first route that fits answers: an operation on a Patient before a read.
_INTERACTIONS = (personalize, profile, search, read)
DESCRIPTION = "Personalization profiles of one source, as a FHIR server that only reads, and as CDS Hooks."


def create_app(served: Served) -> FastAPI:
    """Each route is open, and then shows nothing of anybody, or wants a token; a test looks at all of them."""
    app = FastAPI(
        title="fhir-personalization", version=__version__, description=DESCRIPTION, docs_url=None, redoc_url=None
    )
    app.state.served = served
    app.include_router(health.router)
    app.include_router(capabilities.router)
    app.include_router(configuration.router)
    app.include_router(page.router)
    app.include_router(notify.router)
    app.include_router(routes.discovery)
    app.include_router(routes.router)
    for interaction in _INTERACTIONS:
        app.include_router(interaction.router)
    settings = served.settings
    app.add_middleware(
        Borders, origins=settings.origins, largest=settings.largest_body, only_here=served.tokens is None
    )
    app.exception_handler(HTTPException)(_no_such_route)
    return app


async def _no_such_route(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refused(Refusal(error.status_code, "not-supported", "this server has no such interaction", error.headers))
