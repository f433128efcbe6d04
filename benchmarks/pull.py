"""A pull by search against a download of the same pages with plain httpx; its peak memory; and a second run.

    python benchmarks/pull.py 1000 10000        on the sandbox; memory is compared between first and last
    python benchmarks/pull.py --hapi 1000       on a HAPI of our own (Java and Maven), loaded from the sandbox

Goals: ours / raw <= 1.25; memory <= 1.5; a whole second run (pull to apply) with nothing changed <= 2 % of the first
one's time and 0 writes, with 1 % of the patients changed <= 4 %. The raw side reads the very chains of pages that ours
reads, as many side by side, and throws them away.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from service.settings import Source  # of the service nothing more: the raw side is httpx as it comes

CLI = [sys.executable, "-m", "service.cli"]
AS_OF = "2026-07-01"
READ_BY_PATIENT = ("Encounter", "Claim", "ExplanationOfBenefit", "ClaimResponse", "Condition")
TYPES = (*READ_BY_PATIENT, "PractitionerRole")
FHIR = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json", "Cache-Control": "no-cache"}
AT_ONCE = 200


@dataclass(frozen=True)
class Done:
    """One process of ours: what it told, seconds on the clock, peak memory in MB."""

    told: dict[str, Any]
    wall: float
    peak: float


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("patients", type=int, nargs="*", default=[1_000, 10_000])
    words.add_argument("--hapi", action="store_true")
    words.add_argument("--rounds", type=int, default=3, help="of both sides in turn; the medians are compared")
    words.add_argument("--overlap", type=int, default=0, help="of the second runs, in seconds; unless given none")
    asked = words.parse_args()
    peaks = {}
    for size in asked.patients:
        with tempfile.TemporaryDirectory(prefix="pull-") as folder, server(size, Path(folder), asked.hapi) as url:
            bench = Bench(url, Path(folder), asked.overlap)
            peaks[size] = bench.reading(size, asked.rounds)
            for lake in Path(folder).glob("lake*"):
                shutil.rmtree(lake)
            bench.nights(size)
    small, large = min(peaks), max(peaks)
    if small < large:
        ratio = peaks[large] / peaks[small]
        print(f"memory   {peaks[small]:.0f} MB at {small:,}, {peaks[large]:.0f} MB at {large:,}: {ratio:.2f} (<= 1.5)")


@dataclass(frozen=True)
class Bench:
    url: str
    folder: Path
    overlap: int

    def __post_init__(self) -> None:
        (self.folder / "personalize.toml").write_text(
            f'[sources.bench]\nurl = "{self.url}"\npull = "search"\noverlap = {self.overlap}\n'
        )

    def reading(self, patients: int, rounds: int) -> float:
        """Both sides in turn; returns the peak memory of ours in MB."""
        ours, raw, peak = [], [], 0.0
        for number in range(rounds):
            os.sync()  # ours does not wait for what was written before
            began = time.perf_counter()
            size, resources = asyncio.run(_downloaded(self.url))
            raw.append(time.perf_counter() - began)
            done = self.personalize("pull", self.url, "--lake", f"lake{number}")
            assert sum(done.told["pulled"].values()) == resources, (done.told["pulled"], resources)
            ours.append(done.told["seconds"]["pull"])
            peak = max(peak, done.peak)
        mine, theirs = _median(ours), _median(raw)
        print(
            f"read     {patients:,} patients, {resources:,} resources, {size / 1e6:,.0f} MB: raw {theirs:.2f} s "
            f"({resources / theirs:,.0f} resources/s), ours {mine:.2f} s: {mine / theirs:.2f} (<= 1.25); "
            f"peak {peak:.0f} MB",
            flush=True,
        )
        return peak

    def nights(self, patients: int) -> None:
        """Whole runs with writing: the first, one with nothing changed, one with 1 % of the patients changed."""
        first = self.run()
        time.sleep(2)  # what was written is older than the second in which the next run begins
        self.run()  # sees what was written in the seconds of the first
        time.sleep(2)
        _told("again", patients, first, again := self.run(), "nothing changed (<= 2 %)")
        assert again.told["written"] == {}, again.told["written"]
        changed = self.change(max(1, patients // 100))
        time.sleep(2)
        _told("changed", patients, first, after := self.run(), f"{changed:,} patients changed (<= 4 %)")
        assert after.told["written"], "a visit more changes a profile"

    def run(self) -> Done:
        return self.personalize("run", self.url, "--apply", "--as-of", AS_OF, "--lake", "nights")

    def change(self, patients: int) -> int:
        """One more visit for so many, a fortnight before the day that the profiles are of."""
        with httpx.Client(headers=FHIR, timeout=120) as client:
            page = client.get(f"{self.url}/Encounter?_count=1").json()["entry"][0]["resource"]
            whose = client.get(f"{self.url}/Patient?_count={min(patients, 1000)}").json()["entry"]
            for each in whose:
                reference = f"Patient/{each['resource']['id']}"
                visit = page | {"id": f"new-{each['resource']['id']}", "subject": {"reference": reference}}
                visit["period"] = {"start": "2026-06-17T10:00:00Z", "end": "2026-06-17T10:30:00Z"}
                visit.pop("meta")
                client.put(f"{self.url}/Encounter/{visit['id']}", json=visit).raise_for_status()
        return len(whose)

    def personalize(self, *words: str) -> Done:
        began = time.perf_counter()
        with (self.folder / "log").open("w") as log:
            process = subprocess.Popen(
                [*CLI, *words, "--json"], stdout=subprocess.PIPE, stderr=log, text=True, cwd=self.folder, env=_path()
            )
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        assert os.waitstatus_to_exitcode(status) in (0, 3), (self.folder / "log").read_text()
        return Done(json.loads(out), time.perf_counter() - began, usage.ru_maxrss / 1024)


def _told(what: str, patients: int, first: Done, done: Done, about: str) -> None:
    stages = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in done.told["seconds"].items())
    print(
        f"{what:<8} {patients:,} patients, {about}: {done.wall:.2f} s of {first.wall:.2f} s, "
        f"{done.wall / first.wall:.1%}; {sum(done.told['written'].values()):,} writes [{stages}]",
        flush=True,
    )


async def _downloaded(url: str) -> tuple[int, int]:
    """(bytes, resources): Patients first, then the other types side by side, each page after page."""
    source = Source(url=url)
    limits = httpx.Limits(max_connections=source.in_flight)
    async with httpx.AsyncClient(headers=FHIR, timeout=120, limits=limits) as client:
        read = [await _chain(client, f"{url}/Patient?_count={source.page_size}")]
        chains = (_chain(client, f"{url}/{each}?_count={source.page_size}") for each in TYPES)
        read += await asyncio.gather(*chains)
    return sum(size for size, _ in read), sum(number for _, number in read)


async def _chain(client: httpx.AsyncClient, url: str | None) -> tuple[int, int]:
    size = number = 0
    while url:
        page = await client.get(url)
        page.raise_for_status()
        size += len(page.content)
        number += page.content.count(b'"mode":"match"') or page.content.count(b'"mode": "match"')
        url = _next(page.content)
    return size, number


def _next(page: bytes) -> str | None:
    """Found without decoding the page: both servers write their links before the entries."""
    head = page[: page.find(b'"entry"')] if b'"entry"' in page else page
    links = json.loads(b"[" + head[head.index(b"[", head.index(b'"link"')) + 1 : head.rindex(b"]")] + b"]")
    return next((link["url"] for link in links if link["relation"] == "next"), None)


@contextmanager
def server(patients: int, folder: Path, hapi: bool) -> Iterator[str]:
    with ExitStack() as stack:
        url = stack.enter_context(_sandbox(patients))
        if hapi:
            from real.hapi.server import running

            theirs = stack.enter_context(running(folder))
            print(theirs, flush=True)
            _copied(url, theirs.base)
            url = theirs.base
        yield url


@contextmanager
def _sandbox(patients: int) -> Iterator[str]:
    words = [*CLI, "sandbox", "--patients", str(patients), "--port", "0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=_path())
    try:
        yield next(word for line in process.stdout for word in line.split() if word.startswith("http://"))
    finally:
        process.terminate()
        process.wait()


def _copied(url: str, into: str) -> None:
    """By transactions of many PUTs; what refers goes after what it refers to."""
    with httpx.Client(headers=FHIR, timeout=600) as client:
        for each in ("Organization", "Practitioner", "PractitionerRole", "Location", "Patient", *READ_BY_PATIENT):
            resources = _all(client, f"{url}/{each}?_count=1000")
            while some := list(islice(resources, AT_ONCE)):
                entries = [{"resource": r, "request": {"method": "PUT", "url": f"{each}/{r['id']}"}} for r in some]
                bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
                client.post(into, json=bundle).raise_for_status()


def _all(client: httpx.Client, url: str | None) -> Iterator[dict[str, Any]]:
    while url:
        page = client.get(url).json()
        yield from (entry["resource"] for entry in page.get("entry", []))
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)


def _path() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}


def _median(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) // 2]


if __name__ == "__main__":
    main()
