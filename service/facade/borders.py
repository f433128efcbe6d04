"""Every request and answer at the border of the process: which headers go out, which origins may ask, how much is read.

It stands outside the routes, so that an error has the same headers as an answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.facade.http import refused
from service.facade.outcome import Refusal
from service.server.egress import names_this_machine

TOO_MUCH = Refusal(413, "too-long", "the body is larger than is read here")
ANY_ORIGIN = ("/fhir/metadata", "/fhir/.well-known/smart-configuration")
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
BODY = frozenset({b"content-length", b"transfer-encoding"})  # a request without either has none: RFC 9112 6.3
METHODS = "GET, POST, DELETE"
ASKED = "Authorization, Content-Type, Accept, If-None-Match, Prefer"
TOLD = "ETag, Last-Modified, Location, Content-Location, Retry-After, WWW-Authenticate"


class Borders:
    """`only_here`: the Host has to be this machine, so that no page from elsewhere reaches a server without a lock."""

    def __init__(self, app: ASGIApp, *, origins: Collection[str], largest: int, only_here: bool) -> None:
        self._app, self._origins, self._largest, self._only_here = app, frozenset(origins), largest, only_here

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        sends = _with(self._answer_headers(headers.get(b"origin"), scope["path"]), send)
        if self._only_here and not _loopback(headers.get(b"host", b"")):
            await refused(Refusal(421, "security", "this server is for this machine alone"))(scope, receive, sends)
        elif scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            await Response(status_code=204)(scope, receive, sends)
        elif BODY.isdisjoint(headers):
            await self._app(scope, receive, sends)
        else:
            await self._read(scope, receive, sends)

    async def _read(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The body is read before anything is done with it, as far as it is read at all."""
        body = await _body(dict(scope["headers"]), receive, self._largest)
        if body is None:
            await refused(TOO_MUCH)(scope, receive, send)
            return

        async def again() -> Message:
            nonlocal body
            if body is None:
                return await receive()
            message, body = {"type": "http.request", "body": body, "more_body": False}, None
            return message

        await self._app(scope, again, send)

    def _answer_headers(self, origin: bytes | None, path: str) -> list[tuple[bytes, bytes]]:
        if origin is None:
            return _ALWAYS  # of nearly every request
        return _raw(ALWAYS | self._shared_with(origin.decode("latin-1"), path))

    def _shared_with(self, origin: str, path: str) -> dict[str, str]:
        if path in ANY_ORIGIN:
            return {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET"}
        if origin not in self._origins:
            return {"Vary": "Origin"}
        return {
            "Access-Control-Allow-Origin": origin,
            "Vary": "Origin",
            "Access-Control-Max-Age": "600",
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": ASKED,
            "Access-Control-Expose-Headers": TOLD,
        }


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


_ALWAYS = _raw(ALWAYS)


async def _body(headers: Mapping[bytes, bytes], receive: Receive, largest: int) -> bytes | None:
    """None for what is larger, whatever it says of its length."""
    stated = headers.get(b"content-length", b"0")
    if not stated.isdigit() or int(stated) > largest:
        return None
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > largest:
            return None
    return bytes(body)


def _with(headers: list[tuple[bytes, bytes]], send: Send) -> Send:
    async def sends(message: Message) -> None:
        if message["type"] == "http.response.start":
            held = {name for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(pair for pair in headers if pair[0] not in held)]
        await send(message)

    return sends


@lru_cache(maxsize=256)
def _loopback(host: bytes) -> bool:
    return names_this_machine(urlsplit(f"//{host.decode('latin-1')}").hostname or "")
