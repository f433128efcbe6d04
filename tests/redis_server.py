"""A real Redis out, on a socket of its own and with nothing in it."""

import subprocess
import time
from contextlib import ExitStack, contextmanager

import redis

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


class Restartable:
    """One that is flushed, or killed and begun again, at a word."""

    def __init__(self, home):
        self._home, self._held = home, ExitStack()
        self._begin()

    def _begin(self):
        self._process, self.url = self._held.enter_context(started(self._home))

    def flush(self):
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def again(self):
        self.end()
        self._begin()

    def end(self):
        self._held.close()
        (self._home / "redis.sock").unlink(missing_ok=True)


@contextmanager
def restartable(home):
    server = Restartable(home)
    try:
        yield server
    finally:
        server.end()
