"""How seconds, memory and spilled bytes grow with patients: python benchmarks/growth.py [OPTIONS] SIZES ...

The sandbox's generator writes NDJSON, as a pull leaves it, in processes of its own; then each engine flattens it and
derives from that. Raw lines take 0.12 MB a patient, so that no disk need hold them all: of more than CHUNK patients
they are made, flattened and deleted CHUNK by CHUNK, and derived are all of them at once.

--engines duckdb,spark   which of them
--memory 12GiB           what DuckDB may take before it spills; 3GiB unless given
--out FILE               each measurement as a line of JSON, appended
--room DIR               where the lakes are made; on the disk that has the room. What ended there before is not made
                         again, so that a million may take several evenings
--picture FILE SVG       nothing is measured: what FILE holds, drawn

Each stage of each engine is a process of its own. Seconds are of the clock, and of all cores together; memory is that
of the process and all that it started, at its peak, and so are the bytes spilled.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import duckdb
from derive import KINDS, RUN, SOURCE, _derive, _flatten
from engines import ALL_CORES
from processes import cpu, resident

from service.engine import DUCKDB, Engine
from service.lake import Lake
from service.sandbox.population import histories

CHUNK, TOGETHER = 100_000, 250
KIND = {"duckdb": DUCKDB, "spark": ALL_CORES}
GB = 1_000_000_000


def main(words: list[str]) -> None:
    asked = _asked(words)
    if asked.picture:
        _picture(*map(Path, asked.picture))
        return
    print(f"{os.cpu_count()} cores; DuckDB may take {asked.memory or '3GiB'}")
    print(
        f"{'patients':>10} {'resources':>12} {'engine':>7} {'stage':>8} {'clock s':>9} {'cores s':>9}  peak, spilled GB"
    )
    for patients in asked.sizes:
        with _room(asked.room, patients) as room:
            for line in _grown(room, patients, asked.engines.split(","), asked.memory):
                _told(line, asked.out)


@contextmanager
def _room(kept: str | None, patients: int) -> Iterator[Path]:
    if kept:
        yield Path(kept) / str(patients)
        return
    with tempfile.TemporaryDirectory() as room:
        yield Path(room)


def _asked(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", nargs="*", type=int)
    parser.add_argument("--engines", default="duckdb,spark")
    parser.add_argument("--memory", default="")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--room")
    parser.add_argument("--picture", nargs=2)
    return parser.parse_args(words)


def _told(line: dict[str, Any], out: Path | None) -> None:
    what = f"{line['patients']:>10,} {line['resources']:>12,} {line['engine']:>7} {line['stage']:>8}"
    seconds = f"{line['clock']:>9.1f} {line['cores']:>9.1f}"
    print(f"{what} {seconds}  {line['peak'] / GB:.2f}, {line['spilled'] / GB:.2f}", flush=True)
    if out:
        with out.open("a") as lines:
            lines.write(json.dumps(line) + "\n")


def _grown(room: Path, patients: int, engines: list[str], memory: str) -> Iterator[dict[str, Any]]:
    """Flatten, then derive, of each engine."""
    chunks = [range(first, min(first + CHUNK, patients + 1)) for first in range(1, patients + 1, CHUNK)]
    for number, chunk in enumerate(chunks):
        left = [name for name in engines if not _ended(room / name, number).is_file()]
        if left:
            _flattened(room, number, chunk, left, memory)
    for name in engines:
        ended = [json.loads(_ended(room / name, number).read_text()) for number in range(len(chunks))]
        about = {"patients": patients, "resources": sum(each["resources"] for each in ended), "engine": name}
        yield about | {"stage": "flatten", **_together([each["flatten"] for each in ended])}
        yield about | {"stage": "derive", **_measured("derive", _joined(room / name, patients), name, memory)}
        shutil.rmtree(room / name)


def _ended(place: Path, number: int) -> Path:
    return place / f"chunk-{number}.json"


def _flattened(room: Path, number: int, chunk: range, engines: list[str], memory: str) -> None:
    """The lines of a chunk, its facts by each engine, and what that took; then without the lines."""
    shutil.rmtree(room / "made", ignore_errors=True)
    made = Lake(room / "made").open()
    resources = sum(written(made.raw(SOURCE, RUN), chunk).values())
    for name in engines:
        shutil.rmtree(room / name / f"chunk-{number}", ignore_errors=True)
        took = _measured("flatten", _beside(room / name / f"chunk-{number}", made), name, memory)
        _ended(room / name, number).write_text(json.dumps({"resources": resources, "flatten": took}))
    shutil.rmtree(room / "made")


def _together(parts: list[dict[str, float]]) -> dict[str, float]:
    """Seconds add up; memory and disk are given back in between."""
    how = {"clock": sum, "cores": sum, "peak": max, "spilled": max}
    return {name: of(part[name] for part in parts) for name, of in how.items()}


def written(raw: Path, numbers: range) -> Counter[str]:
    """NDJSON and a manifest, as a pull leaves them; how many of each type."""
    raw.mkdir(parents=True)
    counts: Counter[str] = Counter()
    some = [range(at, min(at + TOGETHER, numbers.stop)) for at in range(numbers.start, numbers.stop, TOGETHER)]
    with ExitStack() as stack:
        files = {kind: stack.enter_context((raw / f"{kind}.ndjson").open("wb")) for kind in KINDS}
        pool = stack.enter_context(ProcessPoolExecutor())
        for several in _several(some, 4 * (os.cpu_count() or 1)):  # what waits to be written is in memory
            for made in pool.map(_lines, several):
                for kind, lines in made.items():
                    counts[kind] += lines.count(b"\n")
                    files[kind].write(lines)
    types = {kind: {"count": counts[kind]} for kind in KINDS}
    manifest = {"source": SOURCE, "fhir_version": "4.0.1", "types": types, "set_aside": []}
    (raw / "manifest.json").write_text(json.dumps(manifest))
    return counts


def _several(each: list[range], n: int) -> Iterator[list[range]]:
    return (each[at : at + n] for at in range(0, len(each), n))


def _lines(numbers: range) -> dict[str, bytes]:
    made = {kind: bytearray() for kind in KINDS}
    for line in histories(numbers):
        kind = line[len(b'{"resourceType":"') : line.index(b'"', len(b'{"resourceType":"'))].decode()
        if kind in made:
            made[kind] += line + b"\n"
    return {kind: bytes(lines) for kind, lines in made.items()}


def _beside(place: Path, made: Lake) -> Lake:
    """A lake of its own over the same lines."""
    lake = Lake(place).open()
    raw = lake.raw(SOURCE, RUN)
    raw.parent.mkdir(parents=True)
    raw.symlink_to(made.raw(SOURCE, RUN), target_is_directory=True)
    return lake


def _joined(place: Path, patients: int) -> Lake:
    """One lake of the facts of all chunks; a patient's are in one of them."""
    chunks = sorted((each for each in place.glob("chunk-*") if each.is_dir()), key=_number)
    shutil.rmtree(place / "all", ignore_errors=True)
    lake = Lake(place / "all").open()
    facts, raw = lake.facts(SOURCE, RUN), lake.raw(SOURCE, RUN)
    facts.mkdir(parents=True)
    raw.mkdir(parents=True)
    types = {kind: {"count": 1} for kind in KINDS} | {"Patient": {"count": patients}}
    (raw / "manifest.json").write_text(json.dumps({"source": SOURCE, "fhir_version": "4.0.1", "types": types}))
    for table in Lake(chunks[0]).facts(SOURCE, RUN).glob("*.parquet"):
        parts = [str(Lake(chunk).facts(SOURCE, RUN) / table.name) for chunk in chunks]
        with duckdb.connect(config={"memory_limit": "2GB"}) as connection:
            connection.execute(f"COPY (FROM read_parquet({parts})) TO '{facts / table.name}' (FORMAT parquet)")
    return lake


def _number(chunk: Path) -> int:
    return int(chunk.name.rpartition("-")[2])


def _measured(stage: str, lake: Lake, engine: str, memory: str) -> dict[str, float]:
    words = [sys.executable, __file__, "stage", stage, str(lake.root), engine, memory]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _stage(stage: str, folder: str, engine: str, memory: str) -> None:
    """In the process of its own: one JSON document to stdout."""
    lake, began, before = Lake(Path(folder)), time.perf_counter(), cpu(os.getpid())
    with _Watch(lake.spill) as watch, Engine.open(lake.spill, KIND[engine], memory=memory) as opened:
        {"flatten": _flatten, "derive": _derive}[stage](lake, opened)
        told = {"clock": time.perf_counter() - began, "cores": cpu(os.getpid()) - before}
    print(json.dumps({**told, "peak": watch.peak, "spilled": watch.spilled}))


class _Watch(threading.Thread):
    """The most memory and disk that were taken at once, looked at every second."""

    def __init__(self, spill: Path) -> None:
        super().__init__(daemon=True)
        self.spill, self.peak, self.spilled, self._over = spill, 0, 0, threading.Event()

    def __enter__(self) -> _Watch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(1):
            self.peak = max(self.peak, resident(os.getpid()))
            self.spilled = max(self.spilled, sum(map(_size, self.spill.rglob("*"))))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size if file.is_file() else 0
    except FileNotFoundError:
        return 0


def _picture(measured: Path, svg: Path) -> None:
    """Core-seconds over patients, both axes by powers of ten: what is linear is a straight line that rises as far."""
    import altair as alt

    lines = [json.loads(line) for line in measured.read_text().splitlines()]
    values = [{"patients": x["patients"], "seconds": x["cores"], "what": f"{x['engine']}, {x['stage']}"} for x in lines]
    tens = [10.0**power for power in range(7)]
    shared = alt.Chart(alt.Data(values=values)).encode(
        x=alt.X("patients:Q", title="patients").scale(type="log").axis(values=tens, format=",.0f"),
        y=alt.Y("seconds:Q", title="seconds of all cores").scale(type="log").axis(values=tens, format=",.0f"),
        color=alt.Color("what:N", title=None),
    )
    points = shared.mark_point(filled=True, size=60)
    (shared.mark_line() + points).properties(width=520, height=320).save(str(svg))


if __name__ == "__main__":
    if sys.argv[1:2] == ["stage"]:
        _stage(*sys.argv[2:])
    else:
        main(sys.argv[1:])
