"""Profiles of this run and of earlier ones in, fragmentation of care beside outcomes out.

FCI is 1 - COC (Liu 2010); 0.85 and over with at least 4 visits is high (Kern). Side by side, not cause and effect: who
is sicker sees more clinicians and comes to the emergency department more often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import ibis
import ibis.expr.types as ir

from service.engine import Engine
from service.report.basis import Basis
from service.report.proportions import Interval, Z, wilson
from service.report.suppression import SMALLEST_SHOWN, Cell, Sum, suppressed

LOW, MIDDLE, HIGH, UNKNOWN = "under 0.5", "0.5 to 0.85", "0.85 and over", "not known"
BANDS = (LOW, MIDDLE, HIGH, UNKNOWN)
INDICES = {"clinician": "fci-clinician-p1y", "organization": "fci-organization-p1y"}
ED, READMITTED, CANCELLED = "ed-visits-p1y", "readmissions-30d-p1y", "cancelled-rate-p1y"
OUTCOMES = {
    ED: "Emergency visits a patient",
    READMITTED: "Stays followed by another within 30 days",
    CANCELLED: "Visits cancelled",
}
SPREADS = {
    "fci-clinician-p1y": "Fragmentation among clinicians",
    "fci-organization-p1y": "Fragmentation among organisations",
    "coc-p1y": "Continuity of care",
    "clinicians-p1y": "Clinicians seen",
    "organizations-p1y": "Organisations visited",
}
ALL = "*"
QUANTILES = (0.25, 0.5, 0.75, 0.9)
NOTES = (
    f"bands and outcomes of fewer than {SMALLEST_SHOWN} patients, and those that would reveal them, are not shown",
    "side by side, not cause and effect: who is sicker sees more clinicians and has more emergency visits",
    "an index needs two visits with known clinicians; patients without are shown as not known",
)


@dataclass(frozen=True)
class Outcome:
    """`value` is a mean a patient, or events of `of` together; null where suppressed, or with nothing to count."""

    measure: str
    value: float | None
    interval: Interval | None
    of: int | None


@dataclass(frozen=True)
class Band:
    """`n`: patients in it, null where suppressed; `share` of all patients."""

    name: str
    n: int | None
    share: float | None
    outcomes: list[Outcome]


@dataclass(frozen=True)
class Spread:
    """Over `n` patients of whom it is known; quantiles with at least 11 patients on either side."""

    measure: str
    n: int | None
    quantiles: Mapping[str, float]


@dataclass(frozen=True)
class Snapshot:
    """One run. `indices`: bands by clinician and by organisation; `not_derived`: measures that this run lacks."""

    run: str
    as_of: str
    policy_version: str
    limited: bool
    patients: int | None
    indices: Mapping[str, list[Band]]
    spreads: list[Spread]
    not_derived: list[str]


@dataclass(frozen=True)
class Fragmentation:
    """`earlier`: the newest first."""

    notes: list[str]
    now: Snapshot
    earlier: list[Snapshot]


def fragmentation(basis: Basis, earlier: Sequence[Basis], engine: Engine) -> Fragmentation:
    notes = [*basis.notes, *NOTES]
    restricted = [each.run for each in earlier if each.limited]
    if restricted:
        notes.append(f"restricted pulls, not of all patients of the source: {', '.join(restricted)}")
    return Fragmentation(notes, _snapshot(basis, engine), [_snapshot(each, engine) for each in earlier])


def _snapshot(basis: Basis, engine: Engine) -> Snapshot:
    wide = engine.materialise(_wide(basis, engine))
    derived = {code for code in {*INDICES.values(), *OUTCOMES, *SPREADS} if basis.derived(engine, code)}
    n = engine.row(wide.agg(n=wide.count()))["n"]
    return Snapshot(
        run=basis.run,
        as_of=basis.as_of,
        policy_version=basis.edition.framework,
        limited=basis.limited,
        patients=suppressed({(ALL,): n}, [])[ALL,],
        indices={name: _bands(engine, wide, code, derived) for name, code in INDICES.items() if code in derived},
        spreads=[_spread(engine, wide, code) for code in SPREADS if code in derived],
        not_derived=sorted({*INDICES.values(), *OUTCOMES, *SPREADS} - derived),
    )


def _wide(basis: Basis, engine: Engine) -> ir.Table:
    """One row a living patient: for every measure its value, and where it is a ratio its numerator and denominator."""
    people = basis.people(engine)
    rows = people.filter(~people.deceased).select("patient")
    for code in dict.fromkeys([*INDICES.values(), *OUTCOMES, *SPREADS]):
        mine = basis.measured(engine, code)
        named = mine.select(
            "patient",
            **{
                _column(code): mine.value.cast("float64"),
                _column(code, "part"): mine.numerator,
                _column(code, "whole"): mine.denominator,
            },
        )
        rows = rows.left_join(named, "patient").drop("patient_right")
    return rows


def _column(code: str, what: str = "value") -> str:
    return f"{code}/{what}"


def _bands(engine: Engine, wide: ir.Table, index: str, derived: set[str]) -> list[Band]:
    value = wide[_column(index)]
    band = ibis.cases((value < 0.5, LOW), (value < 0.85, MIDDLE), (value >= 0.85, HIGH), else_=UNKNOWN)
    counted = wide.mutate(band=band).group_by("band").agg(ibis._.count().name("n"), **_sums(wide, derived))
    found = {row["band"]: row for row in engine.rows(counted)}
    patients = _shown({name: row["n"] for name, row in found.items()})
    known = {
        code: _shown({name: row[_column(code, "known")] for name, row in found.items()})
        for code in derived & {*OUTCOMES}
    }
    whole = sum(row["n"] for row in found.values())
    return [
        Band(
            name,
            patients[name],
            None if (n := patients[name]) is None else n / whole,
            [_outcome(code, found[name], known[code][name]) for code in OUTCOMES if code in derived and n is not None],
        )
        for name in BANDS
        if name in found
    ]


def _shown(counts: Mapping[str, int]) -> dict[str, int | None]:
    whole: dict[Cell, int] = {(ALL,): sum(counts.values())}
    parts: dict[Cell, int] = {(name,): n for name, n in counts.items()}
    shown = suppressed(whole | parts, [Sum((ALL,), tuple(parts))], suppressed(whole, []))
    return {name: shown[name,] for name in counts}


def _sums(wide: ir.Table, derived: set[str]) -> dict[str, Any]:
    sums: dict[str, Any] = {}
    for code in OUTCOMES:
        if code not in derived:
            continue
        value, part, whole = (wide[_column(code, what)] for what in ("value", "part", "whole"))
        sums[_column(code, "known")] = value.count()
        sums[_column(code, "mean")] = value.mean()
        sums[_column(code, "deviation")] = value.std(how="sample")
        sums[_column(code, "part")] = part.sum(where=value.notnull())
        sums[_column(code, "whole")] = whole.sum(where=value.notnull())
    return sums


def _outcome(code: str, row: Mapping[str, Any], known: int | None) -> Outcome:
    """Events over what they could have happened to; a mean where each patient has a number."""
    if not known:
        return Outcome(code, None, None, known)
    if code == ED:
        mean = row[_column(code, "mean")]
        half = Z * (row[_column(code, "deviation")] or 0.0) / sqrt(known)
        return Outcome(code, mean, Interval(max(0.0, mean - half), mean + half), known)
    part, whole = row[_column(code, "part")], row[_column(code, "whole")]
    if not whole:
        return Outcome(code, None, None, None)
    return Outcome(code, part / whole, wilson(part, whole), whole)


def _spread(engine: Engine, wide: ir.Table, code: str) -> Spread:
    value = wide[_column(code)]
    n = suppressed({(ALL,): engine.row(wide.agg(n=value.count()))["n"]}, [])[ALL,]
    wanted = [q for q in QUANTILES if min(q, 1 - q) * (n or 0) >= SMALLEST_SHOWN]
    if not wanted:
        return Spread(code, n, {})
    found = engine.row(wide.agg(**{f"p{q * 100:g}": value.quantile(q) for q in wanted}))
    return Spread(code, n, {name: round(amount, 3) for name, amount in found.items()})
