"""A real PostgreSQL out, in a folder and at a port of its own, with nothing in it; it can be ended and begun again."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: float(each.parent.name))
NEEDED = "initdb"
OWNER = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
SETTINGS = ["fsync=off", "shared_buffers=16MB", "max_connections=40", "listen_addresses=127.0.0.1"]


def lacking():
    return [] if FOLDERS or shutil.which(NEEDED) else ["postgresql"]


def _program(name):
    return str(FOLDERS[-1] / name) if FOLDERS else shutil.which(name)


class Server:
    """`url` names its one database."""

    def __init__(self, home):
        self.home, self.port, self.process = home, free_port(), None
        self.url = f"postgresql://tests@127.0.0.1:{self.port}/postgres"
        self._run("initdb", "-D", home / "data", "-U", "tests", "-A", "trust", "--no-sync", "-E", "UTF8", "--no-locale")

    def begin(self):
        options = [word for each in (*SETTINGS, f"unix_socket_directories={self.home}") for word in ("-c", each)]
        words = [_program("postgres"), "-D", str(self.home / "data"), "-p", str(self.port), *options]
        self.process = subprocess.Popen(words, user=OWNER, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not _answers(self.port):
            assert self.process.poll() is None, "PostgreSQL ended"
            time.sleep(0.05)

    def end(self):
        self.process.send_signal(3)  # SIGQUIT: at once, as in a crash
        self.process.wait()

    def empty(self):
        words = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "tests", "-q", "-c"]
        words.append("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        subprocess.run([_program("psql"), *words, "postgres"], check=True, capture_output=True)

    def version(self):
        return subprocess.check_output([_program("postgres"), "--version"], text=True).split()[2]

    def _run(self, name, *words):
        subprocess.run([_program(name), *map(str, words)], user=OWNER, check=True, capture_output=True)


@contextmanager
def running():
    home = Path(tempfile.mkdtemp(prefix="postgres-"))
    if OWNER:
        shutil.chown(home, OWNER)
    server = Server(home)
    server.begin()
    try:
        yield server
    finally:
        server.end()
        shutil.rmtree(home, ignore_errors=True)


def _answers(port):
    done = subprocess.run(
        [_program("pg_isready"), "-h", "127.0.0.1", "-p", str(port)], capture_output=True, check=False
    )
    return done.returncode == 0


def free_port():
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return each.getsockname()[1]
