"""profiles.parquet and measures.parquet in, one profile with its measures after the other out, in patient order.

Both files are sorted by DuckDB, which spills into the lake; Python holds one patient and two small batches.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import duckdb

from service.compose.absent import DECEASED
from service.engine.duckdb_connections import alone, among_others
from service.errors import LakeProblem
from service.reviews import AS_DERIVED, Verdict

BATCH = 2_000
MEMORY = "512MB"
FEW = 1 << 20  # bytes of files

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
    row: str = ""
    verdict: Verdict = AS_DERIVED

    @property
    def deceased(self) -> bool:
        """There is no care left to plan, whatever was said before."""
        return self.level_absent == DECEASED


COLUMNS = "patient, level, level_absent, pathways, rationale, evidence"
HEADS = f"SELECT {COLUMNS} FROM read_parquet($profiles)"  # noqa: S608 - our own words
MEASURE = "code, unit, value, date, numerator, denominator, coverage_numerator, coverage_denominator, unknown, mode"
# A digest of all of a row that is content; of measures the sum of theirs, for their order says nothing.
DIGESTS = f"""
    SELECT patient, concat_ws(':', of_profile, of_measures, otherwise) AS row
    FROM (
        SELECT patient, hash(level, level_absent, pathways, rationale) AS of_profile
        FROM read_parquet($profiles){{where}}
    ) LEFT JOIN (
        SELECT patient, sum(hash({MEASURE})) AS of_measures, sum(hash({MEASURE}, 'again')) AS otherwise
        FROM read_parquet($measures){{where}} GROUP BY patient
    ) USING (patient)
"""  # noqa: S608
ROW = DIGESTS.format(where="")
BUT = "patient NOT IN (SELECT patient FROM read_json($but, columns = {'patient': 'VARCHAR'}) WHERE patient IS NOT NULL)"
PROFILES = f"SELECT {COLUMNS}, row FROM read_parquet($profiles) JOIN ({DIGESTS}) USING (patient){{where}}"  # noqa: S608
MEASURES = f"SELECT patient, {MEASURE} FROM read_parquet($measures)"  # noqa: S608


def heads(profiles: Path, patient: str | None = None) -> Iterator[ProfileRow]:
    """Every profile, or that of one patient, without measures."""
    which = {} if patient is None else {"one": patient}
    query = HEADS + (" WHERE patient = $one" if which else " ORDER BY patient")
    with connected(profiles) as connection:
        for row in rows_of(connection, query, profiles, **which):
            yield _profile(row, [])


@dataclass(frozen=True)
class Span:
    """Patients from `first` on, up to that of the next one."""

    first: str
    following: str | None = None


def read(
    profiles: Path, but: Path | None = None, only: Collection[str] | None = None, span: Span | None = None
) -> Iterator[ProfileRow]:
    """Every profile of the directory once, with what its `row` is known by.

    Without those whom the NDJSON of `but` names; of `only` some patients, or of those in a span, where they are given.
    """
    where, which = _whose(but, only, span)
    with connected(profiles) as connection:
        if but is not None and not next(rows_of(connection, f"{HEADS}{where} LIMIT 1", profiles, **which), None):
            return  # without looking at millions of measures
        asked = rows_of(connection, f"{MEASURES}{where} ORDER BY patient, code, unit", profiles, **which)
        measures = groupby(asked, key=itemgetter("patient"))
        waiting = next(measures, None)
        for row in rows_of(connection, f"{PROFILES.format(where=where)} ORDER BY patient", profiles, **which):
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
def connected(profiles: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Spills beside the files it reads, never outside the lake."""
    if not profiles.is_dir():
        raise LakeProblem("no profiles here yet", where=str(profiles), do="run `personalize derive` first")
    if sum(file.stat().st_size for file in profiles.glob("*.parquet")) <= FEW:
        with among_others() as connection:
            yield connection
    else:
        with (
            tempfile.TemporaryDirectory(prefix=".compose-", dir=profiles.parent) as spill,
            alone(Path(spill), MEMORY) as connection,
        ):
            yield connection


def _whose(but: Path | None, only: Collection[str] | None, span: Span | None) -> tuple[str, dict[str, str | list[str]]]:
    conditions: dict[str, dict[str, str | list[str]]] = {}
    if only is not None:
        conditions["list_contains($only, patient)"] = {"only": sorted(only)}
    if but is not None:
        conditions[BUT] = {"but": str(but)}
    if span is not None:
        conditions["patient >= $first"] = {"first": span.first}
    if span is not None and span.following is not None:
        conditions["patient < $following"] = {"following": span.following}
    values = {name: value for each in conditions.values() for name, value in each.items()}
    return (f" WHERE {' AND '.join(conditions)}" if conditions else ""), values


def rows_of(
    connection: duckdb.DuckDBPyConnection, query: str, profiles: Path, **more: str | list[str]
) -> Iterator[Row]:
    files = {name: str(profiles / f"{name}.parquet") for name in ("profiles", "measures") if f"${name}" in query}
    with connection.cursor() as cursor:
        try:
            cursor.execute(query, files | more)
        except duckdb.Error as error:
            raise LakeProblem(
                f"it cannot be read: {error}", where=str(profiles), do="run `personalize derive` again"
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
