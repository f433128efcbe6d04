"""The official cases of SQL on FHIR v2 in; whether each passes, and docs/conformance-views.md, out.

python tests/flatten/views/official.py writes the page anew.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from service.engine import DUCKDB, Engine, Kind
from service.errors import WrongUsage
from service.flatten.views.definition import definition
from service.flatten.views.runner import run_view

ROOT = Path(__file__).parents[3]
CASES = ROOT / "tests" / "data" / "sql-on-fhir"
PAGE = ROOT / "docs" / "conformance-views.md"
OF_NO_VERSION = ("4.0.1",)  # what cases are run on whose file names none
HEAD = """\
# SQL on FHIR v2: the official cases

On DuckDB {duckdb} of {all} pass, on Spark {spark}. On DuckDB each runs on every FHIR version that its file names; on
Spark on the first of them, for the version changes what is asked and not who answers. The rows have to be the same in
any order, and the columns the same in their order. Cases: `tests/data/sql-on-fhir`. Made from what the runner does by
`python tests/flatten/views/official.py`; tests compare.

| file | case | FHIR | DuckDB | Spark |
|---|---|---|---|---|
"""
PASSES, FAILS = "passes", "**fails**"
Passed = dict[str, bool]  # by the case's name


@dataclass(frozen=True)
class Case:
    file: str
    title: str
    versions: tuple[str, ...]
    resources: list
    asked: dict

    @property
    def name(self) -> str:
        return f"{self.file}: {self.title}"

    def on(self, versions: int | None) -> Case:
        """The same on the first few of its versions."""
        return replace(self, versions=self.versions[:versions])

    def check(self, engine: Engine, folder: Path) -> None:
        """Raises where the view gives anything but what is expected."""
        place = _written(self.resources, folder)
        for version in self.versions:
            if self.asked.get("expectError"):
                _refused(self.asked["view"], place, version, engine)
            else:
                self._compare(*_rows(self.asked["view"], place, version, engine))

    def _compare(self, rows: list[dict], columns: list[str]) -> None:
        if "expectCount" in self.asked:
            assert len(rows) == self.asked["expectCount"]
        if "expectColumns" in self.asked:
            assert columns == self.asked["expectColumns"]
        if "expect" in self.asked:
            assert _sorted(rows) == _sorted(self.asked["expect"])


def cases() -> Iterator[Case]:
    for path in sorted(CASES.glob("*.json")):
        suite = json.loads(path.read_text())
        for asked in suite.get("tests", ()):
            versions = tuple(suite.get("fhirVersion", OF_NO_VERSION))
            yield Case(path.stem, asked["title"], versions, suite["resources"], asked)


def page(duckdb: Passed, spark: Passed) -> str:
    lines = [
        f"| {c.file} | {c.title} | {', '.join(c.versions)} | {_said(duckdb[c.name])} | {_said(spark[c.name])} |"
        for c in cases()
    ]
    head = HEAD.format(duckdb=sum(duckdb.values()), spark=sum(spark.values()), all=len(duckdb))
    return head + "\n".join(lines) + "\n"


def stated() -> tuple[Passed, Passed]:
    """What the page says of DuckDB, and of Spark."""
    lines = (line for line in PAGE.read_text().splitlines() if line.endswith((f"{PASSES} |", f"{FAILS} |")))
    cells = [(case.name, line.strip("| ").split(" | ")) for case, line in zip(cases(), lines, strict=True)]
    return {name: cell[-2] == PASSES for name, cell in cells}, {name: cell[-1] == PASSES for name, cell in cells}


def _said(passed: bool) -> str:
    return PASSES if passed else FAILS


def passes(case: Case, engine: Engine, folder: Path) -> bool:
    try:
        case.check(engine, folder)
    except (AssertionError, WrongUsage):
        return False
    return True


def _refused(view: dict, place: Path, version: str, engine: Engine) -> None:
    try:
        rows, _ = _rows(view, place, version, engine)
    except WrongUsage:
        return
    raise AssertionError(f"an error was expected, not {rows}")


def _rows(view: dict, place: Path, version: str, engine: Engine) -> tuple[list[dict], list[str]]:
    table = run_view(definition(view), place, version, engine)
    return list(engine.rows(table)), list(table.columns)


def _written(resources: list[dict], folder: Path) -> Path:
    for type_ in {resource["resourceType"] for resource in resources}:
        lines = [json.dumps(each) + "\n" for each in resources if each["resourceType"] == type_]
        (folder / f"{type_}.ndjson").write_text("".join(lines))
    return folder


def _sorted(rows: list[dict]) -> list[dict]:
    """The order of rows says nothing; 5 and 5.0 are one number."""
    return sorted(({name: _number(value) for name, value in row.items()} for row in rows), key=_key)


def _number(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value


def _key(row: dict) -> str:
    return json.dumps(row, sort_keys=True)


def _all(kind: Kind, *, versions: int | None = None) -> Passed:
    with tempfile.TemporaryDirectory() as room, Engine.open(Path(room) / "spill", kind) as engine:
        return {case.name: passes(case.on(versions), engine, Path(tempfile.mkdtemp(dir=room))) for case in cases()}


if __name__ == "__main__":
    from spark_session import SPARK

    PAGE.write_text(page(_all(DUCKDB), _all(SPARK, versions=1)))
