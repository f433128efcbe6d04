"""The official cases of SQL on FHIR v2 in; whether each passes, and docs/conformance-views.md, out.

python tests/flatten/views/official.py writes the page anew.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from service.engine import Engine
from service.errors import WrongUsage
from service.flatten.views.definition import definition
from service.flatten.views.runner import run_view

ROOT = Path(__file__).parents[3]
CASES = ROOT / "tests" / "data" / "sql-on-fhir"
PAGE = ROOT / "docs" / "conformance-views.md"
OF_NO_VERSION = ("4.0.1",)  # what cases are run on whose file names none
HEAD = """\
# SQL on FHIR v2: the official cases

{passed} of {all} pass. Each runs on every FHIR version that its file names; the rows have to be the same in any order,
and the columns the same in their order. Cases: `tests/data/sql-on-fhir`. Made from what the runner does by
`python tests/flatten/views/official.py`; a test compares.

| file | case | FHIR | DuckDB |
|---|---|---|---|
"""


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


def page(passed: dict[str, bool]) -> str:
    said = {True: "passes", False: "**fails**"}
    lines = [f"| {c.file} | {c.title} | {', '.join(c.versions)} | {said[passed[c.name]]} |" for c in cases()]
    return HEAD.format(passed=sum(passed.values()), all=len(passed)) + "\n".join(lines) + "\n"


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


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as room, Engine.open(Path(room) / "spill") as duckdb:
        PAGE.write_text(page({case.name: passes(case, duckdb, Path(tempfile.mkdtemp(dir=room))) for case in cases()}))
