"""A number of synthetic patients in, a FHIR server out: in a thread for tests, in the foreground for people."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn
from fastapi import FastAPI

from service.errors import WrongUsage
from service.listening import in_thread, listening, origin
from service.sandbox.app import create_app
from service.sandbox.faults import Faults
from service.sandbox.http import BASE
from service.sandbox.population import generate
from service.sandbox.store import Store
from service.sandbox.versions import Version, said_in
from service.sandbox.witness import Before, Served

LOOPBACK = "127.0.0.1"
_READS = ("GET", "HEAD", "OPTIONS")


class Sandbox:
    """A running server: its address, what it stores, what it was asked."""

    def __init__(
        self,
        url: str,
        store: Store,
        before: Before | None = None,
        faults: Faults | None = None,
        fhir: Version = "r4",
    ) -> None:
        self.url, self.store, self.faults = url, store, faults or Faults()
        self.requests: list[Served] = []
        self.app = create_app(store, log=self.requests, before=before, faults=self.faults, fhir=fhir)

    @property
    def before(self) -> Before | None:
        """What happens before a request is handled; may be set at any time."""
        hook: Before | None = self.app.state.before
        return hook

    @before.setter
    def before(self, hook: Before | None) -> None:
        self.app.state.before = hook

    @property
    def writes(self) -> list[Served]:
        """The requests that may have changed something: all but reads and searches."""
        return [served for served in self.requests if _may_write(served)]

    def versions(self) -> dict[str, int]:
        """'Type/id' -> current version, asked of the store and not of anybody's report."""
        return self.store.versions()


def _may_write(served: Served) -> bool:
    return served.method not in _READS and not served.path.partition("?")[0].endswith("/_search")


@contextmanager
def running(
    patients: int = 200,
    seed: int = 1,
    port: int = 0,
    host: str = LOOPBACK,
    *,
    before: Before | None = None,
    faults: Faults | None = None,
    fhir: Version = "r4",
) -> Iterator[Sandbox]:
    """A server in a thread of this process, gone at the end of the block. Port 0 takes a free one."""
    with listening(host, port) as listener, _populated(patients, seed, fhir) as store:
        sandbox = Sandbox(_url(listener), store, before, faults, fhir)
        with in_thread(_server(sandbox.app), listener):
            yield sandbox


def _announce(url: str) -> None:
    print(f"FHIR server with invented patients: {url} (Ctrl-C ends it)", file=sys.stderr)


def serve(
    patients: int = 200,
    seed: int = 1,
    port: int = 0,
    host: str = LOOPBACK,
    ready: Callable[[str], None] = _announce,
    faults: Faults | None = None,
    fhir: Version = "r4",
) -> None:
    """Serves until Ctrl-C; `ready` is told the address once patients are loaded and requests are answered."""
    with suppress(KeyboardInterrupt), listening(host, port) as listener, _populated(patients, seed, fhir) as store:
        server = _server(create_app(store, faults=faults, fhir=fhir))
        ready(_url(listener))
        server.run(sockets=[listener])


@contextmanager
def _populated(patients: int, seed: int, fhir: Version) -> Iterator[Store]:
    if patients < 0:
        raise WrongUsage("a sandbox cannot have fewer than no patients", where=str(patients), do="give 0 or more")
    store = Store()
    try:
        store.load(said_in(fhir, generate(patients, seed)) if patients else ())
        yield store
    finally:
        store.close()


def _url(listener: socket.socket) -> str:
    return f"{origin(listener)}{BASE}"


def _server(app: FastAPI) -> uvicorn.Server:
    # No access log: paths bear patients' ids.
    config = uvicorn.Config(app, log_config=None, log_level="warning", access_log=False, lifespan="off")
    config.timeout_graceful_shutdown = 2
    return uvicorn.Server(config)
