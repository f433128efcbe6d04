"""One patient's profile in, the way from resources to level in words out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from service.compose.canonical import NO_CURRENCY
from service.engine import Engine
from service.errors import WrongUsage
from service.lake import read_json

UNITS = {"1": "", "date": "", "d": " days", "mo": " months"}
SPANS = {"p7d": "week", "p1m": "month", "p1y": "year"}
LONGEST_FIRST = ("ever", "p1y", "p1m", "p7d")
LISTED, NEAREST = 10, 3


@dataclass(frozen=True)
class Measured:
    """`unknown`: why there is no value; `of`: numerator and denominator; `coverage`: records that could be used.

    `mode`: the most frequent one, such as a clinician, of which `value` is the share.
    """

    code: str
    family: str
    title: str
    dimension: str
    span: str
    window: str
    value: Decimal | date | None
    unit: str
    of: tuple[int, int] | None
    coverage: tuple[int, int] | None
    mode: str | None
    unknown: str | None

    def amount(self) -> str:
        """The value with what it is made of."""
        value = [] if self.value is None else [_amount(self.value, self.unit)]
        told = ", ".join([*([self.mode] if self.mode else []), *value])
        ratio = f" = {self.of[0]}/{self.of[1]}" if self.of else ""
        covered = f" ({self.coverage[0]} of {self.coverage[1]} records)" if self.coverage else ""
        return f"{told}{ratio}{covered}"

    def named(self) -> str:
        return f"{self.title} [{self.family}]"

    def spanned(self) -> str:
        return f"{self.amount()} in the {SPANS[self.span]}" if self.span in SPANS else self.amount()


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


class Near(Protocol):
    """A rule that did not fire, in a sentence; not `judged` where its measure is unknown."""

    @property
    def gives(self) -> str: ...
    @property
    def measure(self) -> str: ...
    @property
    def judged(self) -> bool: ...
    def line(self) -> str: ...


@dataclass(frozen=True)
class Explanation:
    """`nearest`: the rules that did not fire, the nearest first. `review`: what a person made of what was derived."""

    patient: str
    as_of: str
    policy_version: str
    policy_hash: str
    level: str | None
    level_absent: str | None
    pathways: list[str]
    reasons: list[Reason]
    nearest: Sequence[Near]
    measures: list[Measured]
    evidence: list[str]
    review: Sequence[str] = ()

    def lines(self) -> Iterator[str]:
        yield f"{self.patient} as of {self.as_of}, policy {self.policy_version}"
        yield f"level: {self.level or f'none ({self.level_absent})'}"
        yield f"pathways: {', '.join(self.pathways) or 'none'}"
        yield from (f"review: {line}" for line in self.review)
        yield f"rules that fired: {len(self.reasons) or 'none'}"
        yield from (f"  {reason.line()}" for reason in self.reasons)
        yield from self._near()
        yield from self._known()
        yield from self._unknown()
        yield from self._evidence()

    def _near(self) -> Iterator[str]:
        judged = [each.line() for each in self.nearest if each.judged]
        if judged:
            yield "nearest that did not:"
            yield from (f"  {line}" for line in judged[:NEAREST])

    def _known(self) -> Iterator[str]:
        """A line a family, its windows side by side, under the name of its dimension."""
        known = [each for each in self.measures if each.unknown is None]
        for dimension, group in groupby(known, key=lambda each: each.dimension):
            families = [list(windows) for _, windows in groupby(group, key=lambda each: each.family)]
            yield f"{dimension}:"
            for windows in families:
                if not _nothing(windows):
                    yield f"  {windows[0].named()}: {', '.join(each.spanned() for each in windows)}"
            if none := [windows[0].named() for windows in families if _nothing(windows)]:
                yield f"  none: {', '.join(none)}"

    def _unknown(self) -> Iterator[str]:
        """A line a reason; a family of which another window is known is told by its code."""
        known = {each.family for each in self.measures if each.unknown is None}
        whys: dict[str, list[str]] = {}
        for each in self.measures:
            if each.unknown is not None:
                whys.setdefault(each.unknown, []).append(each.code if each.family in known else each.family)
        if whys:
            yield "unknown:"
        for why, names in whys.items():
            yield f"  {why}: {', '.join(dict.fromkeys(names))}"
        for near in self.nearest:
            if not near.judged:
                yield f"  so {near.gives} could not be judged by {near.measure}"

    def _evidence(self) -> Iterator[str]:
        yield f"evidence: {len(self.evidence)} resources"
        if self.evidence:
            more = f", and {len(self.evidence) - LISTED} more (--json)" if len(self.evidence) > LISTED else ""
            yield f"  {', '.join(self.evidence[:LISTED])}{more}"


def _nothing(windows: list[Measured]) -> bool:
    """A known zero throughout."""
    return all(each.value == 0 and each.of is None for each in windows)


def explain(profiles: Path, engine: Engine, patient: str, nearest: Sequence[Near] = ()) -> Explanation:
    """`patient` is an id or `Patient/<id>`."""
    about = read_json(profiles / "profiles.json", "derive")
    key = patient_key(patient)
    row = _profile(profiles, engine, key, about)
    measures = engine.read_parquet(profiles / "measures.parquet")
    mine = measures.filter(measures.patient == key)
    return Explanation(
        patient=key,
        as_of=str(about["as_of"]),
        policy_version=str(about["policy_version"]),
        policy_hash=str(about["policy_hash"]),
        level=row["level"],
        level_absent=row["level_absent"],
        pathways=row["pathways"],
        reasons=[_reason(reason) for reason in row["rationale"]],
        nearest=nearest,
        measures=_ordered([_measured(measure, about) for measure in engine.rows(mine)], about),
        evidence=row["evidence"],
    )


def patient_key(patient: str) -> str:
    return patient if patient.startswith("Patient/") else f"Patient/{patient}"


def _profile(profiles: Path, engine: Engine, patient: str, about: Mapping[str, Any]) -> dict[str, Any]:
    table = engine.read_parquet(profiles / "profiles.parquet")
    for row in list(engine.rows(table.filter(table.patient == patient).limit(1))):
        return row
    if patient in about.get("opted_out", ()):
        raise WrongUsage("this patient opted out, so there is no profile", where=patient, do="leave it at that")
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
        family=legend["family"],
        title=legend["title"],
        dimension=legend["dimension"],
        span=legend["span"],
        window=legend["window"],
        value=row["value"] if row["date"] is None else row["date"],
        unit=row["unit"],
        of=_pair(row["numerator"], row["denominator"]),
        coverage=_pair(row["coverage_numerator"], row["coverage_denominator"]),
        mode=row.get("mode"),
        unknown=row["unknown"] and about["unknown"][row["unknown"]],
    )


def _ordered(measures: list[Measured], about: Mapping[str, Any]) -> list[Measured]:
    """By dimension, then as in the catalogue, the longest window first."""
    families = list(dict.fromkeys(legend["family"] for legend in about["measures"].values()))

    def place(each: Measured) -> tuple[int, int, int, str]:
        dimension = about["dimensions"].index(each.dimension)
        return dimension, families.index(each.family), LONGEST_FIRST.index(each.span), each.unit

    return sorted(measures, key=place)


def _pair(part: int | None, whole: int | None) -> tuple[int, int] | None:
    return None if part is None or whole is None else (part, whole)


def _amount(value: Decimal | date, unit: str) -> str:
    if isinstance(value, date):
        return value.isoformat()
    plain = f"{value.normalize():f}"
    words = "" if unit == NO_CURRENCY else UNITS.get(unit, f" {unit}")
    return plain + (words.removesuffix("s") if value == 1 else words)
