"""A number of patients in, a server that holds them and a lake with their profiles and a plan out: one trial."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import duckdb
import httpx
import msgspec

from service.catalog import Catalog
from service.lake import Lake, read_json, write_json

AS_OF = "2026-07-01"
TEMPLATE_PATIENTS = 200
AT_ONCE = 100
POLL = 0.25  # seconds
TAGGED = {"_tag": "https://w3id.org/fhir-personalization/installation|local"}
CLI = [sys.executable, "-m", "service.cli"]
FHIR = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json", "Cache-Control": "no-cache"}


@dataclass(frozen=True)
class Template:
    """Patients of the sandbox, each on one line, and the folder of their profiles."""

    patients: list[dict[str, Any]]
    profiles: Path

    @classmethod
    def made(cls, folder: Path) -> Template:
        lake = Lake(folder / "template")
        with _sandbox(TEMPLATE_PATIENTS) as url:
            for words in (["pull", url], ["flatten", url], ["derive", url, "--as-of", AS_OF]):
                _said([*words, "--lake", str(lake.root)])
            [run] = next((lake.root / "profiles").iterdir()).iterdir()
            raw = lake.raw(url, run.name) / "Patient.ndjson"
        profiled = {row[0] for row in duckdb.sql(f"SELECT patient FROM '{run}/profiles.parquet'").fetchall()}
        lines = [json.loads(line) for line in raw.read_text().splitlines()]
        return cls([each for each in lines if f"Patient/{each['id']}" in profiled], run)

    def patient(self, number: int, prefix: str) -> bytes:
        original = self.patients[number % len(self.patients)]
        body = {
            key: value
            for key, value in original.items()
            if key not in ("meta", "link", "managingOrganization", "generalPractitioner")
        }
        return json.dumps(body | {"id": f"{prefix}{number}"}).encode()

    def write_profiles(self, folder: Path, patients: int, prefix: str) -> None:
        """The same rows for every patient made of one."""
        folder.mkdir(parents=True)
        originals = [(f"Patient/{each['id']}", place) for place, each in enumerate(self.patients)]
        with duckdb.connect() as connection:
            connection.execute("CREATE TABLE original (patient VARCHAR, place INTEGER)")
            connection.executemany("INSERT INTO original VALUES (?, ?)", originals)
            for table in ("profiles", "measures"):
                evidence = ", [] AS evidence" if table == "profiles" else ""
                connection.execute(
                    f"""COPY (SELECT * EXCLUDE (n, place) REPLACE ('Patient/{prefix}' || n AS patient{evidence})
                        FROM range({patients}) AS numbers(n) JOIN original ON n % {len(originals)} = place
                        JOIN '{self.profiles}/{table}.parquet' USING (patient))
                        TO '{folder}/{table}.parquet' (FORMAT parquet)"""
                )
        shutil.copy(self.profiles / "profiles.json", folder / "profiles.json")


@dataclass(frozen=True)
class Done:
    """One process: what it told (nothing when it was killed), seconds on the clock, peak memory in MB."""

    told: dict[str, Any]
    wall: float
    peak: float


@dataclass(frozen=True)
class Site:
    url: str
    lake: Lake
    run: str
    others: int  # panels of earlier trials on the same server
    in_flight: int = 4

    def plan(self) -> None:
        _said(["plan", self.url, "--write", "patient", "--lake", str(self.lake.root)])

    def apply(self, killed_at: int | None = None) -> Done:
        """`killed_at` is kill -9 once so many panels stand on the server."""
        command = [*CLI, "apply", self.url, "--lake", str(self.lake.root), "--json"]
        began = time.perf_counter()
        with (self.lake.root / "apply.log").open("w") as log:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        if killed_at is not None:
            while self.panels() < killed_at:
                time.sleep(POLL)
            os.kill(process.pid, signal.SIGKILL)
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        assert status == (signal.SIGKILL if killed_at else 0), (self.lake.root / "apply.log").read_text()
        return Done(json.loads(out) if out else {}, wall, usage.ru_maxrss / 1024)

    def panels(self) -> int:
        """How many of this trial stand, asked of the server."""
        return _count(self.url, "Observation", TAGGED) - self.others

    def changed(self, resource_type: str, since: str) -> int:
        return _count(self.url, resource_type, {"_lastUpdated": f"ge{since}"})

    def clock(self) -> str:
        """After what was written until now, to the second; the server's clock is this machine's."""
        time.sleep(1.1)
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Servers:
    """A sandbox for each trial, or one HAPI for all of them, each with patients of its own."""

    def __init__(self, folder: Path, hapi: bool) -> None:
        self._folder, self._hapi, self._numbers, self._stack = folder, hapi, count(), ExitStack()
        self._url = ""

    def __enter__(self) -> Servers:
        if self._hapi:
            from real.hapi.server import running

            hapi = self._stack.enter_context(running(self._folder))
            print(hapi, flush=True)
            self._url = hapi.base
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def site(self, template: Template, patients: int) -> Iterator[Site]:
        number = next(self._numbers)
        prefix, lake = f"bench-{number}-", Lake(self._folder / f"lake-{number}").open()
        with ExitStack() as stack:
            url = self._url or stack.enter_context(_sandbox(0))
            _load(url, template, patients, prefix)
            run = _profiled(url, lake, template, patients, prefix, self._hapi)
            site = Site(url, lake, run, _count(url, "Observation", TAGGED))
            site.plan()
            yield site
        shutil.rmtree(lake.root)


def _count(url: str, resource_type: str, which: dict[str, str]) -> int:
    wanted = {"_summary": "count", **which}
    return httpx.get(f"{url}/{resource_type}", params=wanted, headers=FHIR, timeout=120).json()["total"]


def _profiled(url: str, lake: Lake, template: Template, patients: int, prefix: str, limited: bool) -> str:
    """Pulled as ever, then as if derived; `limited` where the server holds patients of other trials, too."""
    run = json.loads(_said(["pull", url, "--lake", str(lake.root), "--json"]))["run"]
    raw = lake.raw(url, run)
    lines = [line for line in (raw / "Patient.ndjson").read_bytes().splitlines() if f'"{prefix}'.encode() in line]
    assert len(lines) == patients, len(lines)
    (raw / "Patient.ndjson").write_bytes(b"".join(line + b"\n" for line in lines))
    manifest = read_json(raw / "manifest.json", "pull")
    write_json(raw / "manifest.json", manifest | {"limited": limited})
    template.write_profiles(lake.profiles(url, run), patients, prefix)
    with Catalog.open(lake.catalog) as catalog:
        catalog.reached(run, "derive")
    return run


def _load(url: str, template: Template, patients: int, prefix: str) -> None:
    numbers = iter(range(patients))
    with httpx.Client(headers=FHIR, timeout=300) as client:
        while some := list(islice(numbers, AT_ONCE)):
            entries = [
                {
                    "resource": msgspec.Raw(template.patient(each, prefix)),
                    "request": {"method": "PUT", "url": f"Patient/{prefix}{each}"},
                }
                for each in some
            ]
            bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
            client.post(url, content=msgspec.json.encode(bundle)).raise_for_status()


@contextmanager
def _sandbox(patients: int) -> Iterator[str]:
    process = subprocess.Popen(
        [*CLI, "sandbox", "--patients", str(patients), "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        yield next(word for line in process.stdout for word in line.split() if word.startswith("http://"))
    finally:
        process.terminate()
        process.wait()


def _said(words: list[str]) -> str:
    done = subprocess.run([*CLI, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
