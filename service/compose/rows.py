"""profiles.parquet and measures.parquet in, one profile with its measures after the other out, in patient order.

Both files are sorted by DuckDB, which spills into the lake; Python holds one patient and two small batches.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import duckdb

from service.compose.absent import DECEASED
from service.engine import OFFLINE
from service.errors import LakeProblem
from service.reviews import AS_DERIVED, Verdict

BATCH = 2_000
MEMORY = "512MB"

Row = dict[str, Any]


@dataclass(frozen=True)
class Rationale:
    """A rule that fired; where nothing was ever recorded it has neither a value nor a date."""

    code: str
    measure: str
    value: Decimal | None
    date: dt.date | None
    unit: str | None
    threshold: Decimal | None
    threshold_unit: str | None


@dataclass(frozen=True)
class Measure:
    """One row of measures.parquet; a value, a date, a mode (what is usual) or the reason why it is unknown."""

    code: str
    unit: str | None
    value: Decimal | None
    date: dt.date | None
    numerator: int | None
    denominator: int | None
    coverage_numerator: int | None
    coverage_denominator: int | None
    unknown: str | None
    mode: str | None = None


@dataclass(frozen=True)
class ProfileRow:
    patient: str
    level: str | None
    level_absent: str | None
    pathways: list[str]
    rationale: list[Rationale]
    evidence: list[str]
    measures: list[Measure]
    verdict: Verdict = AS_DERIVED

    @property
    def deceased(self) -> bool:
        """There is no care left to plan, whatever was said before."""
        return self.level_absent == DECEASED


PROFILES = "SELECT patient, level, level_absent, pathways, rationale, evidence FROM read_parquet(?) ORDER BY patient"
ONE_PROFILE = PROFILES.replace("ORDER BY patient", "WHERE patient = ?")
MEASURES = """
    SELECT patient, code, unit, value, date, numerator, denominator, coverage_numerator, coverage_denominator, unknown,
        mode
    FROM read_parquet(?) ORDER BY patient, code, unit
"""


def heads(profiles: Path, patient: str | None = None) -> Iterator[ProfileRow]:
    """Every profile, or that of one patient, without measures."""
    query, which = (PROFILES, ()) if patient is None else (ONE_PROFILE, (patient,))
    with _connection(profiles) as connection:
        for row in _rows(connection, query, profiles / "profiles.parquet", *which):
            yield _profile(row, [])


def read(profiles: Path) -> Iterator[ProfileRow]:
    """Every profile of the directory once."""
    with _connection(profiles) as connection:
        measures = groupby(_rows(connection, MEASURES, profiles / "measures.parquet"), key=itemgetter("patient"))
        waiting = next(measures, None)
        for row in _rows(connection, PROFILES, profiles / "profiles.parquet"):
            own: list[Measure] = []
            if waiting and waiting[0] == row["patient"]:
                own = [_measure(each) for each in waiting[1]]
                waiting = next(measures, None)
            yield _profile(row, own)
    if waiting:
        raise LakeProblem(
            "measures.parquet names a patient that profiles.parquet lacks",
            where=str(profiles),
            do="run `personalize derive` again",
        )


@contextmanager
def _connection(profiles: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Spills beside the files it reads, never outside the lake."""
    if not profiles.is_dir():
        raise LakeProblem("no profiles here yet", where=str(profiles), do="run `personalize derive` first")
    with tempfile.TemporaryDirectory(prefix=".compose-", dir=profiles.parent) as spill:
        connection = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": spill, **OFFLINE})
        try:
            yield connection
        finally:
            connection.close()


def _rows(connection: duckdb.DuckDBPyConnection, query: str, file: Path, *more: str) -> Iterator[Row]:
    with connection.cursor() as cursor:
        try:
            cursor.execute(query, [str(file), *more])
        except duckdb.Error as error:
            raise LakeProblem(
                f"it cannot be read: {error}", where=str(file), do="run `personalize derive` again"
            ) from error
        names = [column[0] for column in cursor.description or ()]
        while batch := cursor.fetchmany(BATCH):
            for row in batch:
                yield dict(zip(names, row, strict=True))


def _profile(row: Row, measures: list[Measure]) -> ProfileRow:
    fired = [Rationale(**each) for each in row.pop("rationale") or ()]
    return ProfileRow(**row, rationale=fired, measures=measures)


def _measure(row: Row) -> Measure:
    return Measure(**{name: value for name, value in row.items() if name != "patient"})
