"""An export pulled by us against the same files fetched with plain httpx at the same concurrency; peak memory of ours.

    python benchmarks/pull_bulk.py 1000 10000     patients on the sandbox; memory is compared between first and last

Goals: ours / raw <= 1.5; memory <= 1.5. Ours checks every line, keeps each resource once and counts on the server;
raw writes bytes to the disk. Both make their own export, and both wait for it, which is part of their time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

HERE = Path(__file__).parent
IN_FLIGHT = 4
TYPES = "Patient,Encounter,Claim,ExplanationOfBenefit,ClaimResponse,Condition"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("patients", type=int, nargs="*", default=[1_000, 10_000])
    words.add_argument("--rounds", type=int, default=3, help="of both sides, in turn; the medians are compared")
    words.add_argument("--ours", nargs=2, metavar=("URL", "TARGET"), help=argparse.SUPPRESS)
    asked = words.parse_args()
    if asked.ours:
        ours(*asked.ours)
        return
    peaks = {size: measured(size, asked.rounds) for size in asked.patients}
    small, large = min(peaks), max(peaks)
    if small < large:
        print(f"memory   {peaks[small]:.0f} MB at {small:,}, {peaks[large]:.0f} MB at {large:,}: "
              f"{peaks[large] / peaks[small]:.2f} (<= 1.5)")  # fmt: skip


def measured(patients: int, rounds: int) -> float:
    """Both sides in turn on one server; returns the peak memory of ours in MB."""
    theirs, mine, peak, lines = [], [], 0.0, 0
    with serving(patients) as url, tempfile.TemporaryDirectory(prefix="pull-bulk-") as folder:
        for n in range(rounds):
            os.sync()  # neither side waits for what the other wrote
            seconds, raw_lines = asyncio.run(raw(url, Path(folder) / f"raw{n}"))
            theirs.append(seconds)
            os.sync()
            told = apart(url, Path(folder) / f"ours{n}")
            mine.append(told["seconds"])
            peak, lines = max(peak, told["peak"]), told["lines"]
            assert lines == raw_lines, (lines, raw_lines)
    a, b = sorted(theirs)[rounds // 2], sorted(mine)[rounds // 2]
    print(f"bulk     {patients:,} patients, {lines:,} lines: raw {a:.2f} s ({lines / a:,.0f}/s), ours {b:.2f} s "
          f"({lines / b:,.0f}/s): {b / a:.2f} (<= 1.5); peak {peak:.0f} MB", flush=True)  # fmt: skip
    return peak


@contextmanager
def serving(patients: int) -> Iterator[str]:
    """A sandbox in a process of its own, with files as long as servers make them."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as habits:
        habits.write("[bulk]\nfile-lines = 20000\n")
        habits.flush()
        command = [sys.executable, "-m", "service.cli", "sandbox", "--patients", str(patients), "--port", "0"]
        process = subprocess.Popen([*command, "--faults", habits.name], stdout=subprocess.PIPE, text=True)
        assert process.stdout
        try:
            yield process.stdout.readline().split()[0]
        finally:
            process.terminate()
            process.wait()


async def raw(url: str, folder: Path) -> tuple[float, int]:
    """(seconds, lines): the export's files to the disk, and nothing else."""
    folder.mkdir()
    began = time.perf_counter()
    async with httpx.AsyncClient(timeout=60, headers={"Accept": "application/fhir+ndjson"}) as http:
        headers = {"Prefer": "respond-async", "Accept": "application/fhir+json"}
        started = await http.get(f"{url}/Patient/$export?_type={TYPES}", headers=headers)
        status = started.headers["Content-Location"]
        while (answer := await http.get(status)).status_code == 202:
            await asyncio.sleep(0.05)
        turns = asyncio.Semaphore(IN_FLIGHT)

        async def fetch(number: int, address: str) -> None:
            async with turns, http.stream("GET", address) as response:
                with (folder / f"{number}.ndjson").open("wb") as file:
                    async for chunk in response.aiter_bytes():
                        file.write(chunk)

        output = answer.json()["output"]
        await asyncio.gather(*(fetch(n, each["url"]) for n, each in enumerate(output)))
        seconds = time.perf_counter() - began
        await http.delete(status)
    return seconds, sum(each["count"] for each in output)


def apart(url: str, target: Path) -> dict[str, float]:
    """Ours in a process of its own, whose memory is its own too."""
    done = subprocess.run(
        [sys.executable, __file__, "--ours", url, str(target)], capture_output=True, text=True, check=True
    )
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def ours(url: str, target: str) -> None:
    from service.pull import pull
    from service.server.client import FhirServer
    from service.settings import Source

    async def session() -> int:
        async with FhirServer(Source(url=url, pull="bulk", in_flight=IN_FLIGHT)) as server:
            told = await pull(server, Path(target), progress=lambda _stage, _count: None)
        return sum(told.types[each].count for each in TYPES.split(","))

    began = time.perf_counter()
    lines = asyncio.run(session())
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak": peak, "lines": lines}))


if __name__ == "__main__":
    main()
