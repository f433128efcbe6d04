"""One patient's profile in, every number behind it in words out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from service.engine import Engine
from service.errors import WrongUsage
from service.lake import read_json

UNITS = {"1": "", "date": "", "d": " days", "mo": " months"}
NO_CURRENCY = "XXX"
SHOWN = 10


@dataclass(frozen=True)
class Measured:
    """`unknown`: why there is no value; `of`: numerator and denominator; `coverage`: records that could be used."""

    code: str
    title: str
    window: str
    value: Decimal | date | None
    unit: str
    of: tuple[int, int] | None
    coverage: tuple[int, int] | None
    unknown: str | None

    def line(self) -> str:
        amount = f"unknown: {self.unknown}" if self.value is None else _amount(self.value, self.unit)
        ratio = f" = {self.of[0]}/{self.of[1]}" if self.of else ""
        covered = f" (from {self.coverage[0]} of {self.coverage[1]} records)" if self.coverage else ""
        return f"{self.title}, {self.window} [{self.code}]: {amount}{ratio}{covered}"


@dataclass(frozen=True)
class Reason:
    """A rule that fired."""

    code: str
    measure: str
    value: Decimal | date | None
    unit: str
    threshold: Decimal
    threshold_unit: str

    def line(self) -> str:
        value = "none is recorded" if self.value is None else _amount(self.value, self.unit)
        return f"{self.code}: {self.measure} {value}, threshold {_amount(self.threshold, self.threshold_unit)}"


@dataclass(frozen=True)
class Explanation:
    patient: str
    as_of: str
    policy_version: str
    level: str | None
    level_absent: str | None
    pathways: list[str]
    reasons: list[Reason]
    measures: list[Measured]
    evidence: list[str]

    def lines(self) -> Iterator[str]:
        yield f"{self.patient} as of {self.as_of}, policy {self.policy_version}"
        yield f"level: {self.level or f'none ({self.level_absent})'}"
        yield f"pathways: {', '.join(self.pathways) or 'none'}"
        yield f"rules that fired: {len(self.reasons) or 'none'}"
        yield from (f"  {reason.line()}" for reason in self.reasons)
        yield "measures:"
        yield from (f"  {measured.line()}" for measured in self.measures)
        yield f"evidence: {len(self.evidence)} resources"
        yield from (f"  {resource}" for resource in self.evidence[:SHOWN])
        if len(self.evidence) > SHOWN:
            yield f"  and {len(self.evidence) - SHOWN} more; --json lists all"


def explain(profiles: Path, engine: Engine, patient: str) -> Explanation:
    """`patient` is an id or `Patient/<id>`."""
    about = read_json(profiles / "profiles.json", "derive")
    key = patient if patient.startswith("Patient/") else f"Patient/{patient}"
    row = _profile(profiles, engine, key)
    measures = engine.read_parquet(profiles / "measures.parquet")
    mine = measures.filter(measures.patient == key).order_by("code", "unit")
    return Explanation(
        patient=key,
        as_of=str(about["as_of"]),
        policy_version=str(about["policy_version"]),
        level=row["level"],
        level_absent=row["level_absent"],
        pathways=row["pathways"],
        reasons=[_reason(reason) for reason in row["rationale"]],
        measures=[_measured(measure, about) for measure in engine.rows(mine)],
        evidence=row["evidence"],
    )


def _profile(profiles: Path, engine: Engine, patient: str) -> dict[str, Any]:
    table = engine.read_parquet(profiles / "profiles.parquet")
    for row in engine.rows(table.filter(table.patient == patient).limit(1)):
        return row
    raise WrongUsage(
        "this patient has no profile",
        where=patient,
        do="check the id; a record that another one replaces is explained under that one",
    )


def _reason(row: dict[str, Any]) -> Reason:
    value = row["value"] if row["date"] is None else row["date"]
    return Reason(row["code"], row["measure"], value, row["unit"], row["threshold"], row["threshold_unit"])


def _measured(row: dict[str, Any], about: Mapping[str, Any]) -> Measured:
    legend = about["measures"][row["code"]]
    return Measured(
        code=row["code"],
        title=legend["title"],
        window=legend["window"],
        value=row["value"] if row["date"] is None else row["date"],
        unit=row["unit"],
        of=_pair(row["numerator"], row["denominator"]),
        coverage=_pair(row["coverage_numerator"], row["coverage_denominator"]),
        unknown=row["unknown"] and about["unknown"][row["unknown"]],
    )


def _pair(part: int | None, whole: int | None) -> tuple[int, int] | None:
    return None if part is None or whole is None else (part, whole)


def _amount(value: Decimal | date, unit: str) -> str:
    if isinstance(value, date):
        return value.isoformat()
    plain = f"{value.normalize():f}"
    return plain if unit == NO_CURRENCY else plain + UNITS.get(unit, f" {unit}")
