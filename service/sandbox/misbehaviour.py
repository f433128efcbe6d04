"""A request and the fault whose turn it is in, what a server in trouble answers out: cut off, late, or untrue.

Plain ASGI, between the witness and the interactions; without faults it hands everything through.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from fastapi import Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.sandbox.faults import Fault, Faults
from service.sandbox.http import BASE, FHIR_JSON
from service.sandbox.outcome import operation_outcome
from service.sandbox.witness import once_more

CONDITIONS = {"if-match": (b"if-match", "ifMatch"), "if-none-match": (b"if-none-match", "ifNoneMatch")}


class Misbehaving:
    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app, self._faults = app, faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._faults.idle or scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        scope, body = self._unconditional(scope, body)
        path = scope["path"].removeprefix(BASE).removeprefix("/")
        fault = self._missing(path) or self._faults.about(scope["method"], path, body)
        asked = Asked(self._app, scope, body, once_more(body, receive), send, self._faults.carried_out)
        await (_HAPPENINGS[fault.do](asked, fault) if fault else asked.carried_out())

    def _missing(self, path: str) -> Fault | None:
        known = self._faults.has(path.partition("/")[0])
        return None if known else Fault(do="status", status=404)

    def _unconditional(self, scope: Scope, body: bytes) -> tuple[Scope, bytes]:
        """A server that ignores a condition never sees it."""
        for switch, (header, key) in CONDITIONS.items():
            if self._faults.can(switch):  # type: ignore[arg-type]
                continue
            scope = {**scope, "headers": [each for each in scope["headers"] if each[0].lower() != header]}
            body = _without(body, key) if scope["path"] == BASE and body else body
        return scope, body


class Asked:
    """One request on its way, and who waits for the answer."""

    def __init__(
        self,
        app: ASGIApp,
        scope: Scope,
        body: bytes,
        receive: Receive,
        send: Send,
        done: Callable[[Fault], None] | None = None,
    ) -> None:
        self.app, self.scope, self.body, self.receive, self.send = app, scope, body, receive, send
        self.done = done or (lambda _fault: None)

    async def carried_out(self) -> None:
        await self.app(self.scope, self.receive, self.send)

    async def answer(self, response: Response) -> None:
        await response(self.scope, self.receive, self.send)

    async def kept(self) -> tuple[Message, bytes]:
        """Carried out, the answer kept back: its start, and its body."""
        sent: list[Message] = []

        async def keep(message: Message) -> None:
            sent.append(message)

        await self.app(self.scope, self.receive, keep)
        return sent[0], b"".join(message.get("body", b"") for message in sent[1:])

    async def cut(self, start: Message, body: bytes) -> None:
        """Less is sent than was promised, and then the connection ends."""
        headers = [each for each in start["headers"] if each[0].lower() != b"content-length"]
        promised = [*headers, (b"content-length", str(len(body) + 1).encode())]
        await self.send({**start, "headers": promised})
        await self.send({"type": "http.response.body", "body": body, "more_body": True})


async def _status(asked: Asked, fault: Fault) -> None:
    await asked.answer(_refusal(fault))


async def _status_after(asked: Asked, fault: Fault) -> None:
    await asked.kept()
    await asked.answer(_refusal(fault))


async def _delay(asked: Asked, fault: Fault) -> None:
    await asyncio.sleep(fault.seconds)
    await asked.carried_out()


async def _drop_before(asked: Asked, _fault: Fault) -> None:
    await asked.cut({"type": "http.response.start", "status": 200, "headers": []}, b"")


async def _drop_after(asked: Asked, fault: Fault) -> None:
    start, _ = await asked.kept()
    asked.done(fault)
    await asked.cut(start, b"")


async def _truncate(asked: Asked, _fault: Fault) -> None:
    """A clean end in the middle: a proxy that lost the rest counts what it has."""
    start, body = await asked.kept()
    headers = {name.decode(): value.decode() for name, value in start["headers"] if name.lower() != b"content-length"}
    await asked.answer(Response(body[: len(body) // 2], start["status"], headers))


async def _cut(asked: Asked, _fault: Fault) -> None:
    """The connection ends in the middle of what was promised."""
    start, body = await asked.kept()
    await asked.cut(start, body[: len(body) // 2])


async def _lie(asked: Asked, _fault: Fault) -> None:
    """200, as if it were done, and nothing is."""
    if asked.scope["path"].rstrip("/") != BASE:
        await asked.answer(Response(asked.body, 200, {"ETag": 'W/"1"'}, FHIR_JSON))
        return
    bundle: dict[str, Any] = msgspec.json.decode(asked.body)
    answered = {"response": {"status": "200 OK", "etag": 'W/"1"'}}
    told = {"resourceType": "Bundle", "type": f"{bundle['type']}-response", "entry": [answered] * len(bundle["entry"])}
    await asked.answer(Response(msgspec.json.encode(told), 200, media_type=FHIR_JSON))


async def _partial(asked: Asked, fault: Fault) -> None:
    """A server without real transactions: some entries are done, then it fails."""
    bundle: dict[str, msgspec.Raw] = msgspec.json.decode(asked.body, type=dict[str, msgspec.Raw])
    entries = msgspec.json.decode(bundle["entry"], type=list[msgspec.Raw])[: fault.entries]
    some = msgspec.json.encode({"resourceType": "Bundle", "type": "batch", "entry": entries})
    await Asked(asked.app, asked.scope, some, once_more(some, asked.receive), asked.send).kept()
    await asked.answer(_refusal(fault))


def _refusal(fault: Fault) -> Response:
    headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else None
    said = operation_outcome("exception" if fault.status >= 500 else "processing", "a fault that was asked for")
    return Response(said, fault.status, headers, FHIR_JSON)


def _without(body: bytes, condition: str) -> bytes:
    """A Bundle whose entries no longer bear this condition."""
    bundle = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    entries = msgspec.json.decode(bundle.get("entry", msgspec.Raw(b"[]")), type=list[dict[str, msgspec.Raw]])
    for entry in entries:
        request = msgspec.json.decode(entry["request"], type=dict[str, msgspec.Raw])
        request.pop(condition, None)
        entry["request"] = msgspec.Raw(msgspec.json.encode(request))
    return msgspec.json.encode(bundle | {"entry": msgspec.Raw(msgspec.json.encode(entries))})


_HAPPENINGS: dict[str, Callable[[Asked, Fault], Awaitable[None]]] = {
    "status": _status,
    "status-after": _status_after,
    "delay": _delay,
    "drop-before": _drop_before,
    "drop-after": _drop_after,
    "truncate": _truncate,
    "cut": _cut,
    "lie-200": _lie,
    "partial": _partial,
}
