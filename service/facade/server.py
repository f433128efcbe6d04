"""A lake in, a server that answers until it is told to end out: in the foreground, or in a thread for tests."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from service.facade.app import create_app
from service.facade.served import Served
from service.facade.wiring import Wiring
from service.listening import in_thread, listening, origin
from service.tracing import traced

PATIENCE = 30  # seconds for requests that are on their way when it ends


class Server(uvicorn.Server):
    """Told to end, it first says that it is not ready, so that nobody is sent here any more; then it ends."""

    def __init__(self, config: uvicorn.Config, served: Served) -> None:
        super().__init__(config)
        self._served = served

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._served.draining or not self._served.settings.drain:
            super().handle_exit(sig, frame)
            return
        self._served.draining = True
        threading.Timer(self._served.settings.drain, super().handle_exit, (sig, frame)).start()


def serve(wiring: Wiring, ready: Callable[[str], None]) -> None:
    """Until SIGTERM or Ctrl-C; `ready` is told the FHIR base."""
    with (
        traced(wiring.config.traces_url, wiring.config.installation),
        listening(wiring.serve.host, wiring.serve.port) as listener,
        wiring.opened(origin(listener)) as served,
    ):
        server = _server(served)
        ready(served.base)
        # uvicorn raises the signal once more when it has ended: what is opened here is closed before the process goes.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            return


@contextmanager
def running(wiring: Wiring) -> Iterator[Served]:
    """In a thread of this process, gone at the end of the block."""
    with (
        listening(wiring.serve.host, wiring.serve.port) as listener,
        wiring.opened(origin(listener)) as served,
        in_thread(_server(served), listener),
    ):
        yield served


def _server(served: Served) -> Server:
    # No access log: paths bear patients' ids.
    config = uvicorn.Config(
        create_app(served),
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=PATIENCE,
    )
    return Server(config, served)
