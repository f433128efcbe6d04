"""How fast a profile is read and a hook answered, beside a bare FastAPI echo: python benchmarks/serve.py [PROFILES ...]

One worker each, in processes of their own, asked in turn by 1 and by 16 clients that keep their connections. The lake
is made from a few invented patients; one of their profiles is then repeated under other ids until there are enough.
Each question is about another of them, drawn at random.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from random import randint
from urllib.parse import urlsplit
from uuid import uuid4

from service.sandbox import running

SECONDS, CLIENTS = 4.0, (1, 16)
AS_OF = time.strftime("%Y-%m-%d")
ECHO = """
import sys, uvicorn
from fastapi import FastAPI
app = FastAPI()
@app.get("/echo/{word}")
async def echo(word: str): return {"word": word}
print("ready", flush=True)
uvicorn.run(app, port=int(sys.argv[1]), log_level="critical", access_log=False)
"""
# The same bytes under other ids: what is measured is finding, unpacking and answering, not what is said.
REPEATED = """
WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :count)
INSERT INTO resources (type, id, patient, version, updated, run, opens, as_of, until, status, level, target, code, gist,
    body)
SELECT type, 'panel-bench' || n, 'Patient/bench' || n, version, updated, run, opens, as_of, until, status, level,
    target, code, gist, body FROM number, (SELECT * FROM resources WHERE type = 'Observation' LIMIT 1)
"""


def main(sizes: list[int]) -> None:
    print(f"{os.cpu_count()} cores, {SECONDS:g} s each; milliseconds")
    print(
        f"{'profiles':>9} {'clients':>7} {'what':<12} {'a second':>9} {'p50':>7} {'p99':>7} "
        f"{'p50/echo':>9} {'p99/echo':>9}"
    )
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        place = Path(folder)
        _lake(place)
        echo = servers.enter_context(_process([sys.executable, "-c", ECHO, "8071"], place, "http://127.0.0.1:8071"))
        for size in sizes:
            _fill(place, size)
            words = [sys.executable, "-m", "service.cli", "serve", "--auth", "off", "--port", "8072"]
            with _process(words, place, "http://127.0.0.1:8072") as ours:
                for clients in CLIENTS:
                    _compared(size, clients, echo, ours)


def _lake(place: Path) -> None:
    with running(patients=5) as sandbox:
        (place / "personalize.toml").write_text(
            f'[sources.bench]\nurl = "{sandbox.url}"\n[serve]\nrequests_per_minute = 100000000\nrefresh = 3600\n'
        )
        words = [sys.executable, "-m", "service.cli", "run", "bench", "--as-of", AS_OF]
        subprocess.run(words, cwd=place, env=_environment(), check=True, stdout=subprocess.DEVNULL)


def _fill(place: Path, size: int) -> None:
    """The file is made by the first server, and filled up while none has it open."""
    file = place / "lake" / "served" / "bench.sqlite"
    if not file.is_file():
        words = [sys.executable, "-m", "service.cli", "serve", "--auth", "off", "--port", "8072"]
        with _process(words, place, "http://127.0.0.1:8072"):
            pass
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DELETE FROM resources WHERE id LIKE 'panel-bench%'")
        connection.execute(REPEATED, {"count": size})
        connection.commit()
    os.sync()  # else what was written reaches the disk while the first questions are asked


@contextmanager
def _process(words: list[str], place: Path, url: str) -> Iterator[str]:
    log = (place / "log").open("w")
    with log, subprocess.Popen(words, cwd=place, env=_environment(), stdout=subprocess.DEVNULL, stderr=log) as process:
        try:
            _until_open(url)
            yield url
        finally:
            process.kill()


def _environment() -> dict[str, str]:
    root = str(Path(__file__).parent.parent)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}


def _until_open(url: str) -> None:
    """Any answer will do: who listens already may still be making its file."""
    over = time.monotonic() + 120
    while time.monotonic() < over:
        try:
            asyncio.run(_answered(url))
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(url)


async def _answered(url: str) -> None:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(_get("/"))
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


def _compared(size: int, clients: int, echo: str, ours: str) -> None:
    asked = {
        "echo": (echo, lambda n: _get(f"/echo/{n}")),
        "profile": (ours, lambda n: _get(f"/fhir/Observation/panel-bench{n}")),
        "operation": (ours, lambda n: _get(f"/fhir/Patient/bench{n}/$personalization-profile")),
        "patient-view": (ours, _hook),
    }
    plain: tuple[float, float] | None = None
    for name, (url, about) in asked.items():
        times = asyncio.run(_asked(url, about, size, clients))
        p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
        plain = plain or (p50, p99)
        print(
            f"{size:>9,} {clients:>7} {name:<12} {len(times) / SECONDS:>9,.0f} {p50:>7.2f} {p99:>7.2f} "
            f"{p50 / plain[0]:>9.2f} {p99 / plain[1]:>9.2f}"
        )


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def _hook(number: int) -> bytes:
    context = {"userId": "Practitioner/1", "patientId": f"bench{number}"}
    body = json.dumps({"hook": "patient-view", "hookInstance": str(uuid4()), "context": context})
    head = (
        "POST /cds-services/personalization-patient-view HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json"
    )
    return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


async def _asked(url: str, about: Callable[[int], bytes], size: int, clients: int) -> list[float]:
    """Milliseconds of each answer, sorted."""
    parts, times = urlsplit(url), list[float]()
    over = time.monotonic() + SECONDS

    async def one() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        while time.monotonic() < over:
            request = about(randint(1, size))
            began = time.perf_counter()
            writer.write(request)
            await _answer(reader)
            times.append((time.perf_counter() - began) * 1000)
        writer.close()

    await asyncio.gather(*(one() for _ in range(clients)))
    return sorted(times)


async def _answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.split(b"\r\n")[0].decode())
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]] or [1_000, 1_000_000])
