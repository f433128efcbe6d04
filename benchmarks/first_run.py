"""Seconds by stage and peak memory of whole runs on the sandbox: python benchmarks/first_run.py [PATIENTS ...]

The first run, one again with nothing changed, and one after a new visit of every hundredth patient; goals for those
two: 2 % and 4 % of the first one's time; core-seconds tell it on a machine that others use. The sandbox is a process
of its own; what is printed is of the process that pulls, derives and writes. --write patient writes into Patients too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import httpx

EVERY = 100  # of the patients one has a new visit


def main(sizes: list[int], rung: str) -> None:
    print(
        f"{'patients':>9} {'resources':>10} "
        + " ".join(f"{stage:>8}" for stage in ("pull", "flatten", "derive", "plan", "apply"))
        + f" {'peak MB':>8}"
    )
    for patients in sizes:
        with tempfile.TemporaryDirectory() as lake:
            sandbox = subprocess.Popen(
                [sys.executable, "-m", "service.cli", "sandbox", "--patients", str(patients), "--port", "0"],
                stdout=subprocess.PIPE,
                text=True,
            )
            try:
                url = next(word for line in sandbox.stdout for word in line.split() if word.startswith("http://"))
                first: dict = {}
                for label, changed in (("first", 0), ("nothing changed", 0), ("changed", patients // EVERY)):
                    if changed:
                        _new_visits(url, changed)
                    told, peak = _run(url, lake, ["--apply", "--write", rung])
                    first = first or told
                    shares = ", ".join(f"{told[each] / first[each]:.1%} of {each}" for each in ("wall", "cores"))
                    _show(patients, f"{label} ({shares})", told, peak)
            finally:
                sandbox.terminate()
                sandbox.wait()


def _new_visits(url: str, patients: int) -> None:
    """Each a copy of one that is there, as new."""
    with httpx.Client(timeout=60) as client:
        found = client.get(f"{url}/Encounter", params={"_count": str(EVERY), "date": "ge2026-01-01"}).json()["entry"]
        people = client.get(f"{url}/Patient", params={"_count": str(patients)}).json()["entry"]
        for number, person in enumerate(people[:patients]):
            visit = found[number % len(found)]["resource"] | {"id": f"new-visit-{number}"}
            visit["subject"] = {"reference": f"Patient/{person['resource']['id']}"}
            client.put(f"{url}/Encounter/{visit['id']}", json=visit).raise_for_status()


def _run(url: str, lake: str, flags: list[str]) -> tuple[dict, float]:
    command = [
        sys.executable,
        "-m",
        "service.cli",
        "run",
        url,
        "--as-of",
        "2026-07-01",
        "--lake",
        lake,
        "--json",
        *flags,
    ]
    before = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    told = json.loads(process.stdout.read())
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, status
    told["wall"], told["cores"] = time.perf_counter() - before, usage.ru_utime + usage.ru_stime
    return told, usage.ru_maxrss / 1024


def _show(patients: int, label: str, told: dict, peak: float) -> None:
    s = told["seconds"]
    resources = sum(told["pulled"].values())
    took = f"{told['wall']:.1f} s and {told['cores']:.1f} core-s"
    print(
        f"{patients:>9,} {resources:>10,} {s['pull']:>8.2f} {s['flatten']:>8.2f} {s['derive']:>8.2f} {s['plan']:>8.2f} "
        f"{s['apply']:>8.2f} {peak:>8.0f}  {label}: {took} in all, written {told['written']}",
        flush=True,
    )


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("patients", type=int, nargs="*", default=[200, 10_000])
    words.add_argument("--write", default="observation", choices=("observation", "patient"))
    asked = words.parse_args()
    main(asked.patients, asked.write)
