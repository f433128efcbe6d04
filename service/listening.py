"""A host and a port in, a socket that listens there out; a taken port is known before anything else is begun."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

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


def _cannot_listen(host: str, port: int, error: OSError | OverflowError) -> PersonalizeError:
    where = f"{host}:{port}"
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return PersonalizeError("the port is taken", where=where, do="stop what listens there, or choose another port")
    return PersonalizeError(f"cannot listen: {error}", where=where, do="choose another host or port")
