"""Profiles in, the patients with the most visits, charges or own cost out; staff read it, so its words are neutral."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir

from service.compose.canonical import NO_CURRENCY
from service.engine import Engine
from service.errors import LakeProblem, WrongUsage
from service.report.basis import Basis
from service.report.organizations import UNKNOWN, usual_organizations
from service.report.standing import judged, placed, spread

MEASURES = {"visits": "visits", "charges": "billed-charges", "liability": "patient-liability"}
WINDOWS = ("p7d", "p1m", "p1y")
GROUP = ("unit", "organization")


@dataclass(frozen=True)
class TopPatient:
    """`unit`: `1` for visits, else the currency. `reasons`: rationale codes. Equal values share place and percentile.

    `outlier` is null where the values do not tell; `score` is the statistic's value, an outlier's beyond `bound`.
    """

    place: int
    patient: str
    value: Decimal
    unit: str
    percentile: float
    outlier: bool | None
    statistic: str | None
    score: float | None
    level: str | None
    level_absent: str | None
    pathways: Sequence[str]
    reasons: Sequence[str]


@dataclass(frozen=True)
class Group:
    """One currency, at one organisation if asked. `n`: patients of whom the measure is known, itself the 100 %."""

    unit: str
    organization: str | None
    n: int
    median: float
    statistic: str | None
    bound: float | None
    outliers: int | None
    equal_beyond: int
    patients: list[TopPatient] = field(default_factory=list)


@dataclass(frozen=True)
class Ranking:
    by: str
    window: str
    measure: str
    run: str
    as_of: str
    policy_version: str
    by_organization: bool
    limited: bool
    unknown: int
    notes: list[str]
    groups: list[Group]

    @property
    def patients(self) -> list[TopPatient]:
        return [patient for group in self.groups for patient in group.patients]


def top_patients(
    basis: Basis, engine: Engine, by: str = "visits", window: str = "p1y", limit: int = 50, organizations: bool = False
) -> Ranking:
    """The highest values first, equal ones in the order of ids; money within each currency, `limit` in each group.

    Ranked are the living of whom the measure is known; shown are those of them with more than none.
    """
    code = measure_code(by, window)
    must_be_derived(basis, engine, code)
    everybody = standing(basis, engine, code, organizations)
    groups = [_group(row) for row in engine.rows(_groups(everybody, limit).order_by(*GROUP))]
    for row in engine.rows(_shown(basis, engine, everybody, limit)):
        home = next(group for group in groups if (group.unit, group.organization or UNKNOWN) == _key(row))
        home.patients.append(_patient(row))
    return Ranking(
        by=by,
        window=window,
        measure=code,
        run=basis.run,
        as_of=basis.as_of,
        policy_version=basis.edition.framework,
        by_organization=organizations,
        limited=basis.limited,
        unknown=unknown(basis, engine, code),
        notes=basis.notes,
        groups=groups,
    )


def standing(basis: Basis, engine: Engine, code: str, organizations: bool) -> ir.Table:
    """One row a patient and currency: unit, organization, value, place, percentile, outlier and its statistic."""
    values = _known(basis, engine, code)
    if organizations:
        at = usual_organizations(basis, engine)
        joined = values.left_join(at, "patient").drop("patient_right")
        values = joined.mutate(organization=joined.organization.fill_null(UNKNOWN))
    else:
        values = values.mutate(organization=ibis.literal(UNKNOWN))
    spreads = spread(values, engine, *GROUP)
    medians = spreads.select(*GROUP, "median")
    ranked = judged(placed(values, *GROUP), spreads, *GROUP)
    return engine.materialise(ranked.inner_join(medians, list(GROUP)))


def unknown(basis: Basis, engine: Engine, code: str) -> int:
    """The living of whom the measure is not known."""
    rows = basis.measured(engine, code).semi_join(_living(basis, engine), "patient")
    return int(engine.row(rows.agg(n=rows.patient.nunique(where=rows.value.isnull())))["n"])


def _living(basis: Basis, engine: Engine) -> ir.Table:
    return basis.people(engine).filter(~ibis._.deceased)


def _known(basis: Basis, engine: Engine, code: str) -> ir.Table:
    """(patient, unit, value). Who is known to have no amount in any currency has 0 in each that there is.

    Who has amounts in one currency only is compared with nobody in another.
    """
    rows = basis.measured(engine, code).semi_join(_living(basis, engine), "patient")
    known = rows.filter(rows.value.notnull()).select("patient", "unit", "value")
    stated = known.filter(known.unit != NO_CURRENCY)
    none = known.filter(known.unit == NO_CURRENCY).select("patient", "value")
    units = stated.select("unit").distinct()
    return engine.materialise(stated.union(none.cross_join(units).select("patient", "unit", "value")))


def _groups(everybody: ir.Table, limit: int) -> ir.Table:
    some = everybody.value > 0
    order = ibis.window(group_by=GROUP, order_by=[ibis.desc("value"), "patient"])
    lined = everybody.mutate(row=ibis.row_number().over(order), some=some)
    last = lined.value.min(where=lined.some & (lined.row < limit))
    marked = lined.mutate(last=last.over(ibis.window(group_by=GROUP)))
    return marked.group_by(*GROUP).agg(
        n=marked.count(),
        median=marked.median.max(),
        statistic=marked.statistic.max(),
        bound=marked.bound.max(),
        outliers=marked.outlier.cast("int64").sum(),
        equal_beyond=((marked.value == marked["last"]) & (marked.row >= limit)).sum(),
    )


def _shown(basis: Basis, engine: Engine, everybody: ir.Table, limit: int) -> ir.Table:
    order = ibis.window(group_by=GROUP, order_by=[ibis.desc("value"), "patient"])
    first = everybody.filter(everybody.value > 0).mutate(row=ibis.row_number().over(order))
    told = basis.people(engine).select("patient", "level", "level_absent", "pathways", "rationale")
    return first.filter(first.row < limit).inner_join(told, "patient").order_by(*GROUP, "row")


def _key(row: dict[str, Any]) -> tuple[str, str]:
    return row["unit"], row["organization"]


def _group(row: dict[str, Any]) -> Group:
    return Group(**{**row, "organization": row["organization"] or None})


def _patient(row: dict[str, Any]) -> TopPatient:
    reasons = list(dict.fromkeys(reason["code"] for reason in row["rationale"]))
    told = {name: row[name] for name in TopPatient.__dataclass_fields__ if name != "reasons"}
    return TopPatient(**told, reasons=reasons)


def measure_code(by: str, window: str) -> str:
    if by not in MEASURES:
        raise WrongUsage(f"nothing is ranked by {by}", where="--by", do=f"choose one of {', '.join(MEASURES)}")
    if window not in WINDOWS:
        raise WrongUsage(f"there is no window {window}", where="--window", do=f"choose one of {', '.join(WINDOWS)}")
    return f"{MEASURES[by]}-{window}"


def must_be_derived(basis: Basis, engine: Engine, code: str) -> None:
    """A run of an older version may lack a measure; a run without patients lacks every one, which is no mistake."""
    if engine.any(basis.people(engine)) and not basis.derived(engine, code):
        raise LakeProblem(
            f"{code} was not derived in this run", where=str(basis.profiles), do="run `personalize derive` again"
        )
