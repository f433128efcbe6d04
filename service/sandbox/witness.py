"""Every request on its way in, a note of what was answered out; and the place where a test can act first.

Plain ASGI: a function middleware of Starlette sends every answer through a task and a queue of its own: slower.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, NamedTuple, Protocol

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

Message = MutableMapping[str, Any]


class Served(NamedTuple):
    """One request as the server saw it; the path is as sent, with its query."""

    method: str
    path: str
    status: int


class Log(Protocol):
    def append(self, served: Served, /) -> None: ...


class Before(Protocol):
    def __call__(self, method: str, path: str, body: bytes, /) -> Response | None:
        """Called before a request is handled; a response stands in for the server's own. May block."""


class Witness:
    def __init__(self, app: ASGIApp, log: Log | None) -> None:
        self._app, self._log = app, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        noting = self._noting(scope, send)
        before: Before | None = scope["app"].state.before
        try:
            if before:
                await self._interposed(before, scope, receive, noting)
            else:
                await self._app(scope, receive, noting)
        except ClientDisconnect:
            return  # killed in the middle of its request, say: nobody is there to be answered
        except Exception:
            self._note(scope, 500)  # a defect of the sandbox; what is outside of us answers it
            raise

    async def _interposed(self, before: Before, scope: Scope, receive: Receive, send: Send) -> None:
        """In a thread, for the hook may send requests to this very server."""
        body = await Request(scope, receive).body()
        instead = await run_in_threadpool(before, scope["method"], _path(scope), body)
        await (instead or self._app)(scope, once_more(body, receive), send)

    def _noting(self, scope: Scope, send: Send) -> Send:
        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._note(scope, message["status"])
            await send(message)

        return noting

    def _note(self, scope: Scope, status: int) -> None:
        if self._log is not None:
            self._log.append(Served(scope["method"], _path(scope), status))


def _path(scope: Scope) -> str:
    query = scope["query_string"].decode()
    return f"{scope['path']}?{query}" if query else str(scope["path"])


def once_more(body: bytes, receive: Receive) -> Receive:
    """A body that was read already, to be read again."""
    unread = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return unread.pop() if unread else await receive()

    return again
