"""Seconds by stage and peak memory of a whole run on the sandbox: python benchmarks/first_run.py [PATIENTS ...]

The sandbox is a process of its own; what is printed is of the process that pulls, derives and writes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time


def main(sizes: list[int]) -> None:
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
                for label, flags in (
                    ("first", ["--apply", "--write", "patient"]),
                    ("again", ["--apply", "--write", "patient"]),
                ):
                    _show(patients, label, *_run(url, lake, flags))
            finally:
                sandbox.terminate()
                sandbox.wait()


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
    told["wall"] = time.perf_counter() - before
    return told, usage.ru_maxrss / 1024


def _show(patients: int, label: str, told: dict, peak: float) -> None:
    s = told["seconds"]
    resources = sum(told["pulled"].values())
    print(
        f"{patients:>9,} {resources:>10,} {s['pull']:>8.2f} {s['flatten']:>8.2f} {s['derive']:>8.2f} {s['plan']:>8.2f} "
        f"{s['apply']:>8.2f} {peak:>8.0f}  {label}: {told['wall']:.1f} s in all, written {told['written']}",
        flush=True,
    )


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [200, 10_000])
