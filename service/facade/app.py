"""What is to be served in, the FastAPI application that serves it out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from service import __version__
from service.facade.borders import Borders
from service.facade.hooks import routes
from service.facade.http import refused
from service.facade.interactions import capabilities, configuration, health, notify, personalize, profile, read, search
from service.facade.openapi import described
from service.facade.outcome import Refusal
from service.facade.page import routes as page
from service.facade.served import Served

# The first route that fits answers: what is asked most, and then what has a name before a search.
_PARTS = (
    read.router,
    profile.router,
    routes.router,
    configuration.router,
    personalize.router,
    capabilities.router,
    search.router,
    routes.discovery,
    health.router,
    notify.router,
    page.router,
)
DESCRIPTION = "Personalization profiles of one source, as a FHIR server that only reads, and as CDS Hooks."


def create_app(served: Served) -> FastAPI:
    """Each route is open, and then shows nothing of anybody, or wants a token; a test looks at all of them."""

    @asynccontextmanager
    async def open_until_the_end(_: FastAPI) -> AsyncIterator[None]:
        yield
        await served.limits.close()

    app = FastAPI(
        title="fhir-personalization",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=open_until_the_end,
    )
    app.state.served = served
    # To include a router would have each request look through it by itself.
    app.router.routes[:0] = [route for part in _PARTS for route in part.routes]
    settings = served.settings
    app.add_middleware(
        Borders, origins=settings.origins, largest=settings.largest_body, only_here=served.tokens is None
    )
    app.exception_handler(HTTPException)(_no_such_route)
    app.openapi = cache(lambda: described(app))  # type: ignore[method-assign]
    return app


async def _no_such_route(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refused(Refusal(error.status_code, "not-supported", "this server has no such interaction", error.headers))
