"""A real Redis out, on a socket of its own and with nothing in it."""

import subprocess
import time
from contextlib import contextmanager

NEEDED = "redis-server"


@contextmanager
def running(home):
    """Its URL."""
    with started(home) as (_, url):
        yield url


@contextmanager
def started(home):
    """Its process, to be stopped at will, and its URL."""
    socket = home / "redis.sock"
    words = ["--port", "0", "--unixsocket", socket, "--dir", home, "--save", "", "--appendonly", "no"]
    with subprocess.Popen([NEEDED, *words], stdout=subprocess.DEVNULL) as server:
        try:
            while not socket.exists():
                assert server.poll() is None, "redis-server ended"
                time.sleep(0.02)
            yield server, f"unix://{socket}"
        finally:
            server.kill()  # one that was stopped minds nothing else
