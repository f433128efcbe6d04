"""Seconds by stage and measure family, and peak memory, of derive: python benchmarks/derive.py [PATIENTS ...]

The sandbox's population goes straight into a lake. Flatten and derive are processes of their own, with the engine's own
memory limit; what is printed of derive is what the pipeline does, watched while it does it.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

from service.derive import Policy, derivation, derive, measures
from service.engine import Engine
from service.engine.duckdb_connections import MEMORY
from service.flatten import flatten
from service.lake import Lake
from service.sandbox import generate

SOURCE, RUN, ZONE = "sandbox", "benchmark", ZoneInfo("UTC")
AS_OF = datetime(2026, 7, 1, tzinfo=UTC)
KINDS = ("Patient", "Encounter", "Claim", "ExplanationOfBenefit")


def main(sizes: list[int]) -> None:
    print(f"the engine's memory limit {MEMORY}, {os.cpu_count()} cores")
    for patients in sizes:
        with tempfile.TemporaryDirectory() as folder:
            lake = Lake(Path(folder)).open()
            began = time.perf_counter()
            counts = _filled(lake.raw(SOURCE, RUN), patients)
            made = time.perf_counter() - began
            told = {stage: _process(stage, folder) for stage in ("flatten", "derive")}
            _show(patients, counts, made, told)


def _filled(raw: Path, patients: int) -> dict[str, int]:
    """NDJSON and a manifest, as a pull leaves them."""
    raw.mkdir(parents=True)
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        files = {kind: stack.enter_context((raw / f"{kind}.ndjson").open("wb")) for kind in KINDS}
        for line in generate(patients):
            kind = line[len(b'{"resourceType":"') : line.index(b'"', len(b'{"resourceType":"'))].decode()
            if kind in files:
                counts[kind] += 1
                files[kind].write(line + b"\n")
    types = {kind: {"count": counts[kind]} for kind in KINDS}
    manifest = {"source": SOURCE, "fhir_version": "4.0.1", "types": types, "set_aside": []}
    (raw / "manifest.json").write_text(json.dumps(manifest))
    return counts


def _process(stage: str, folder: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, __file__, stage, folder], stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)


def _flatten(lake: Lake, engine: Engine) -> dict[str, Any]:
    return flatten(lake.raw(SOURCE, RUN), lake.facts(SOURCE, RUN), engine=engine, source=SOURCE, zone=ZONE)["facts"]


def _derive(lake: Lake, engine: Engine) -> dict[str, Any]:
    """The seconds of what derive does, and within its measures of each family."""
    stages: dict[str, float] = defaultdict(float)
    families: dict[str, float] = defaultdict(float)
    tellings = measures.tellings

    def told(events: Any, family: Any) -> Iterator[Any]:
        began = time.perf_counter()
        yield from tellings(events, family)  # whoever asks for the next has computed the last
        families[family.code] += time.perf_counter() - began

    with ExitStack() as stack:
        stack.enter_context(patch.object(measures, "tellings", told))
        for name in ("events", "measures"):
            stack.enter_context(patch.object(derivation, name, _timed(name, getattr(derivation, name), stages)))
        stack.enter_context(
            patch.object(derivation.Asked, "derived", _timed("derived", derivation.Asked.derived, stages))
        )
        began = time.perf_counter()
        report = derive(
            lake.facts(SOURCE, RUN), lake.profiles(SOURCE, RUN), engine=engine,
            manifest=json.loads((lake.raw(SOURCE, RUN) / "manifest.json").read_text()),
            as_of=AS_OF, zone=ZONE, policy=Policy.load(),
        )  # fmt: skip
        whole = time.perf_counter() - began
    profiles = stages["derived"] - stages["events"] - stages["measures"]
    seconds = {"events": stages["events"], "measures": stages["measures"], "profiles": profiles}
    seconds["writing"] = whole - stages["derived"]
    return {"stages": seconds, "families": families, "levels": report["levels"]}


def _timed(name: str, work: Callable[..., Any], into: dict[str, float]) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return work(*args, **kwargs)
        finally:
            into[name] += time.perf_counter() - began

    return timed


def _stage(name: str, folder: str) -> None:
    """In the process of its own: one JSON document to stdout."""
    lake, began = Lake(Path(folder)), time.perf_counter()
    with Engine.open(lake.spill) as engine:
        told = {"flatten": _flatten, "derive": _derive}[name](lake, engine)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"told": told, "seconds": time.perf_counter() - began, "peak": peak}))


def _show(patients: int, counts: dict[str, int], made: float, told: dict[str, Any]) -> None:
    derived = told["derive"]["told"]
    print(f"\n{patients:,} patients: " + ", ".join(f"{counts[kind]:,} {kind}" for kind in KINDS))
    print(f"{'stage':<24} {'seconds':>9} {'peak MiB':>9}")
    print(f"{'making them':<24} {made:>9.1f}")
    for stage in ("flatten", "derive"):
        print(f"{stage:<24} {told[stage]['seconds']:>9.1f} {told[stage]['peak']:>9.0f}")
    for stage, seconds in derived["stages"].items():
        print(f"  {stage:<22} {seconds:>9.1f}")
    print(f"{'measure family':<24} {'seconds':>9} {'share':>9}  of the measures; what several share is in the first")
    whole = derived["stages"]["measures"]
    completing = {"(completing them)": whole - sum(derived["families"].values())}
    for family, seconds in sorted((derived["families"] | completing).items(), key=lambda each: -each[1]):
        print(f"{family:<24} {seconds:>9.2f} {seconds / whole:>9.1%}")
    print(f"levels: {derived['levels']}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] and not sys.argv[1].isdigit():
        _stage(*sys.argv[1:])
    else:
        main([int(word) for word in sys.argv[1:]] or [2_000, 10_000])
