"""`/app/launch`, `/app/`: the files of the app, and what it has to know of this installation."""

from __future__ import annotations

from importlib.resources import files
from urllib.parse import urlsplit

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from service.facade.http import Wired
from service.facade.outcome import Refusal
from service.facade.served import Served
from service.facade.watched import Open

PATH = "/app"
PAGES = {"launch": "launch.html", "": "index.html"}
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}
STATIC = ("style.css", "launch.js", "show.js", "smart.js", "profile.js")

router = APIRouter(prefix=PATH, route_class=Open)


@router.get("/settings.json")
async def settings(served: Wired) -> Response:
    """Where the app may go, as whom, and where it comes back to; nothing of it is secret."""
    _offered(served)
    told = {
        "base": served.base,
        "servers": _servers(served),
        "client_id": served.settings.app_client_id,
        "redirect_uri": f"{served.origin}{PATH}/",
    }
    return JSONResponse(told)


@router.get("/")
async def show(served: Wired) -> Response:
    """Where the authorization server sends the browser back to."""
    return _file(served, "index.html")


@router.get("/{name}")
async def file(served: Wired, name: str) -> Response:
    """The launch page, and what the pages are made of."""
    found = PAGES.get(name) or (name if name in STATIC else None)
    if found is None:
        raise Refusal(404, "not-found", "the app has no such file")
    return _file(served, found)


def _file(served: Served, name: str) -> Response:
    _offered(served)
    body = files(__package__).joinpath(name).read_bytes()
    return Response(
        body, headers={"Content-Security-Policy": policy(served)}, media_type=TYPES[name[name.index(".") :]]
    )


def _offered(served: Served) -> None:
    if not served.settings.app_client_id:
        raise Refusal(404, "not-found", "no app is offered here: serve.app_client_id is not set")


def _servers(served: Served) -> list[str]:
    return [served.base, *served.settings.app_servers]


def policy(served: Served) -> str:
    """Scripts of our own alone, and requests to the servers and authorization servers that the settings name."""
    named = [*served.settings.app_servers, *(each.token_endpoint for each in served.settings.issuers.values())]
    origins = sorted({f"{parts.scheme}://{parts.netloc}" for each in named if each and (parts := urlsplit(each))})
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            " ".join(["connect-src 'self'", *origins]),
            "base-uri 'none'",
            "form-action 'none'",
            " ".join(["frame-ancestors 'self'", *served.settings.origins]),
        ]
    )
