"""A host and a port in, a socket that listens there out; a taken port is known before anything else is begun.

And a server on that socket in, the same in a thread for the length of a block out.
"""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from service.errors import PersonalizeError


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Requests that come early wait. Port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Naming TCP is what makes asyncio turn Nagle's algorithm off; without it every small answer takes 40 ms.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen()  # two sockets may be bound to one port until one of them listens
        except (OSError, OverflowError) as error:
            raise _cannot_listen(host, port, error) from error
        yield listener


def origin(listener: socket.socket) -> str:
    """Its address as a URL without a path."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def in_thread(server: uvicorn.Server, listener: socket.socket) -> Iterator[None]:
    """It answers when the block begins, and is gone at its end."""
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="server", daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        if not server.started:
            raise PersonalizeError("the server did not start", do="see the log above")
        yield
    finally:
        server.should_exit = True
        thread.join()


def _cannot_listen(host: str, port: int, error: OSError | OverflowError) -> PersonalizeError:
    where = f"{host}:{port}"
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return PersonalizeError("the port is taken", where=where, do="stop what listens there, or choose another port")
    return PersonalizeError(f"cannot listen: {error}", where=where, do="choose another host or port")
