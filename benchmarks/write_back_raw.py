"""A plan in, the bundles that it stands for in a file out; and what it takes to post them with plain httpx."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO

import httpx
import msgspec
from write_back_site import FHIR, Site

from service.catalog import Catalog
from service.compose import Identity
from service.server.answers import Answer
from service.server.client import FhirServer
from service.settings import Source
from service.write_back.ladder import STANDS_IN, Ladder
from service.write_back.manner import Found, Manner
from service.write_back.own import Own
from service.write_back.plan_file import reading
from service.write_back.puts import Puts
from service.write_back.sending import Sender
from service.write_back.standing import Lines


class Kept:
    """In place of a server: keeps each bundle as a line, and answers that all of it was done."""

    def __init__(self, file: BinaryIO, base: str) -> None:
        self._file, self.base = file, base

    async def write(self, method: str, path: str, body: bytes = b"", _headers: object = None) -> Answer:
        assert (method, path) == ("POST", ""), (method, path)
        self._file.write(body.replace(b"\n", b"") + b"\n")
        entries = len(msgspec.json.decode(body)["entry"])
        done = {"entry": [{"response": {"status": "200", "etag": 'W/"1"'}}] * entries}
        return Answer(200, msgspec.json.encode(done), httpx.Headers())


async def prebuilt(site: Site) -> Path:
    """What apply would send about patients, by the very code of apply; the Device goes to the server beforehand."""
    path = site.lake.root / "bundles.ndjson"
    with Catalog.open(site.lake.catalog) as catalog, path.open("wb") as file:
        async with FhirServer(Source(url=site.url)) as server:
            capability = (await server.metadata()).capability
            digest = catalog.plan_digest(site.run)
            with (
                reading(site.lake.plan(site.url, site.run), digest) as (header, lines),
                Lines.open(site.lake.raw(site.url, site.run) / "Patient.ndjson") as patients,
            ):
                device = msgspec.json.decode(header.device.resource)
                if header.device.action != "unchanged":
                    await server.write("PUT", f"Device/{device['id']}", bytes(header.device.resource))
                found = Found(catalog, header.source, header.base)
                kept = Kept(file, site.url)
                sender = Sender(kept, Manner.of(capability, found), kept)
                puts = Puts(
                    patients,
                    Own(Identity.of(header.installation, header.source), STANDS_IN[header.rung]),
                    Ladder(header.rung, capability, found),
                )
                for line in lines:
                    await sender.send(puts.of(line))
    return path


def raw_side(url: str, bundles: Path, in_flight: int) -> float:
    """Seconds from the file's opening to the last answer, in a process of its own as ours is."""
    done = subprocess.run(
        [sys.executable, __file__, url, str(bundles), str(in_flight)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


async def _post_all(url: str, bundles: Path, in_flight: int) -> float:
    began = time.perf_counter()
    with bundles.open("rb") as lines:
        async with httpx.AsyncClient(headers=FHIR | {"Prefer": "return=minimal"}, timeout=60) as client:

            async def poster() -> None:
                for line in lines:
                    answer = await client.post(url, content=line)
                    assert answer.status_code == 200, answer.text

            await asyncio.gather(*(poster() for _ in range(in_flight)))
    return time.perf_counter() - began


if __name__ == "__main__":
    print(asyncio.run(_post_all(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
