"""Resources a second of each side, and how seconds grow: python benchmarks/engines.py flatten|grow [SIZES ...]

flatten: Encounter, and Claim with its items, to Parquet on one core: DuckDB SQL by hand, the view runner on DuckDB and
on Spark, pysof where it is installed, and Pathling where by_pathling.py can be run. SIZES is how often the 100 Synthea
patients of tests/data are written one after another. grow: the sandbox's patients from NDJSON to profiles on both
engines, which growth.py measures; SIZES is how many patients.

All sides in one run, each size on the same files. Seconds are those of all cores together, of this process and all
that it started: what else the machine does meanwhile does not count, and what Spark's own process does, counts. Spark's
first pass, which compiles, stands beside the best of those after it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from processes import cpu
from views import CLAIM_ITEMS, ENCOUNTER, _by_hand, _repeated, _same

from service.engine import DUCKDB, Engine, Kind
from service.flatten.views.definition import definition
from service.flatten.views.runner import write_view

PASSES = 3
ONE_CORE = Kind("spark", "local[1]", {"spark.sql.shuffle.partitions": "1"})
ALL_CORES = Kind("spark", "local[*]", {"spark.sql.shuffle.partitions": "4"})


@dataclass(frozen=True)
class Side:
    name: str
    work: Callable[[dict, Path, Path], object]
    passes: int = PASSES


def main(what: str, sizes: list[int]) -> None:
    if what == "grow":
        subprocess.run([sys.executable, Path(__file__).with_name("growth.py"), *map(str, sizes)], check=True)
    else:
        _flattening(sizes)


def _flattening(sizes: list[int]) -> None:
    print(f"{'view':>10} {'resources':>10} {'side':>16} {'first/s':>10} {'best/s':>10} {'of by hand':>10}  rows")
    with tempfile.TemporaryDirectory() as room, Engine.open(Path(room) / "spill", ONE_CORE) as spark:
        for view in (ENCOUNTER, CLAIM_ITEMS):
            for n in sizes:
                _compare(view, n, list(_sides(spark)), Path(tempfile.mkdtemp(dir=room)))


def _sides(spark: Engine) -> Iterator[Side]:
    yield Side("by hand", lambda view, file, out: _by_hand(view["resource"], file, out))
    yield Side("runner, DuckDB", _on_duckdb)
    yield Side("runner, Spark", lambda view, file, out: _run(spark, view, file, out))
    if importlib.util.find_spec("pysof"):
        yield Side("pysof", _by_pysof, passes=1)
    if "PATHLING_PYTHON" in os.environ:
        yield Side("Pathling", _by_pathling)


def _compare(view: dict, times: int, sides: list[Side], folder: Path) -> None:
    file = folder / f"{view['resource']}.ndjson"
    resources, by_hand = _repeated(file, times), 0.0
    for side in sides:
        out = folder / f"{side.name}.parquet"
        seconds = _passes(side, view, file, out)
        by_hand = by_hand or min(seconds)
        print(
            f"{view['resource']:>10} {resources:>10,} {side.name:>16} {resources / seconds[0]:>10,.0f} "
            f"{resources / min(seconds):>10,.0f} {by_hand / min(seconds):>10.3f}  {_compared(folder, out)}",
            flush=True,
        )


def _passes(side: Side, view: dict, file: Path, out: Path) -> list[float]:
    if side.work is _by_pathling:
        return _by_pathling(view, file, out)
    return [_seconds(lambda: side.work(view, file, out)) for _ in range(side.passes)]


def _compared(folder: Path, out: Path) -> str:
    if not out.is_file():
        return ""
    same, rows = _same(folder / "by hand.parquet", out)
    return f"{rows:,}, {'the same' if same else 'NOT the same'}"


def _on_duckdb(view: dict, file: Path, out: Path) -> None:
    with Engine.open(file.parent / "spill", DUCKDB, threads=1) as engine:
        _run(engine, view, file, out)


def _run(engine: Engine, view: dict, file: Path, out: Path) -> None:
    write_view(definition(view), file, "R4", engine, out, "parquet")


def _by_pysof(view: dict, file: Path, out: Path) -> None:
    """To NDJSON, for it streams to no Parquet; types are not what it is measured by."""
    import pysof

    whole = {"resourceType": "ViewDefinition", "status": "active", "name": "measured", **view}
    pysof.process_ndjson_to_file(whole, str(file), str(out.with_suffix(".ndjson")), "ndjson")


def _by_pathling(view: dict, file: Path, _: Path) -> list[float]:
    """In a Python of its own (by_pathling.py), which starts Spark before it begins to count."""
    folder = file.parent / "for Pathling"
    folder.mkdir(exist_ok=True)
    (folder / file.name).unlink(missing_ok=True)
    (folder / file.name).hardlink_to(file)
    asked = folder / "view.json"
    asked.write_text(json.dumps(view))
    program = Path(__file__).with_name("by_pathling.py")
    words = [os.environ["PATHLING_PYTHON"], str(program), str(asked), str(folder), str(PASSES)]
    said = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True, env=_plain())
    return json.loads(said.stdout.splitlines()[-1])


def _plain() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def _seconds(work: Callable[[], object]) -> float:
    before = cpu(os.getpid())
    work()
    return cpu(os.getpid()) - before


if __name__ == "__main__":
    main(sys.argv[1], [int(word) for word in sys.argv[2:]])
