"""Everybody's standing in, counts and quantiles for research out: nobody in it can be told from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import ibis.expr.types as ir

from service.engine import Engine
from service.report.basis import Basis
from service.report.suppression import SMALLEST_SHOWN, Cell, Sum, suppressed
from service.report.top import measure_code, must_be_derived, standing, unknown

LEVELS = ("standard", "enhanced", "intensive", "none")
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
SOME, NOTHING, OUTLIER, NO_OUTLIER = "with-any", "with-none", "outliers", "others"
ALL = "*"


@dataclass(frozen=True)
class Summary:
    """`organization` null: all of the source. Counts are null where suppressed; no `outliers`: nothing tells them.

    `quantiles` are those with at least 11 patients on either side, to two digits: an amount to the cent is a name.
    """

    unit: str
    organization: str | None
    n: int | None
    counts: Mapping[str, int | None]
    levels: Mapping[str, int | None]
    pathways: Mapping[str, int | None]
    quantiles: Mapping[str, float]


@dataclass(frozen=True)
class Aggregate:
    by: str
    window: str
    measure: str
    run: str
    as_of: str
    policy_version: str
    limited: bool
    unknown: int | None
    notes: list[str]
    summaries: list[Summary]


def aggregate(
    basis: Basis, engine: Engine, by: str = "visits", window: str = "p1y", organizations: bool = False
) -> Aggregate:
    code = measure_code(by, window)
    must_be_derived(basis, engine, code)
    everybody = _told(basis, engine, standing(basis, engine, code, organizations=False))
    wholes = [_whole(engine, everybody, unit) for unit in _units(engine, everybody)]
    summaries = [_summary(engine, everybody, unit, ALL, cells) for unit, _, cells in wholes]
    if organizations:
        apart = _told(basis, engine, standing(basis, engine, code, organizations=True))
        for unit, counts, cells in wholes:
            summaries += _organizations(engine, apart, unit, counts, cells)
    return Aggregate(
        by=by,
        window=window,
        measure=code,
        run=basis.run,
        as_of=basis.as_of,
        policy_version=basis.edition.framework,
        limited=basis.limited,
        unknown=suppressed({(ALL,): unknown(basis, engine, code)}, [])[ALL,],
        notes=[*basis.notes, f"counts of 1 to {SMALLEST_SHOWN - 1}, and those that would reveal them, are not shown"],
        summaries=summaries,
    )


def _told(basis: Basis, engine: Engine, everybody: ir.Table) -> ir.Table:
    profiles = basis.people(engine)
    told = profiles.select("patient", "pathways", level=profiles.level.fill_null("none"))
    return engine.materialise(everybody.inner_join(told, "patient"))


def _units(engine: Engine, everybody: ir.Table) -> list[str]:
    return [row["unit"] for row in engine.rows(everybody.select("unit").distinct().order_by("unit"))]


def _whole(engine: Engine, everybody: ir.Table, unit: str) -> tuple[str, dict[Cell, int], dict[Cell, int | None]]:
    """All of the source in one currency: what it shows is settled before anything is broken down."""
    counts: dict[Cell, int] = {
        (ALL, *cell): n for _, cell, n in _counted(engine, everybody.filter(everybody.unit == unit))
    }
    everybody = suppressed({(ALL, "n"): counts[ALL, "n"]}, [])
    return unit, counts, suppressed(counts, _within(ALL, counts), everybody)


def _organizations(
    engine: Engine, apart: ir.Table, unit: str, totals: Mapping[Cell, int], decided: Mapping[Cell, int | None]
) -> list[Summary]:
    rows = apart.filter(apart.unit == unit)
    counts: dict[Cell, int] = {(place, *cell): n for place, cell, n in _counted(engine, rows)}
    places = sorted({str(cell[0]) for cell in counts})
    sums = [each for place in places for each in _within(place, counts)]
    kinds = {cell[1:] for cell in counts}
    for kind in sorted(kinds):
        parts = tuple((place, *kind) for place in places)
        counts |= {part: counts.get(part, 0) for part in parts} | {(ALL, *kind): totals.get((ALL, *kind), 0)}
        if not _differs_by_place(kind):
            sums.append(Sum((ALL, *kind), parts))
    cells = suppressed(counts, sums, decided)
    return [_summary(engine, rows, unit, place, cells) for place in places]


def _differs_by_place(kind: tuple[Any, ...]) -> bool:
    """Who lies far above the others of one hospital may not among those of all."""
    return kind[0] in (OUTLIER, NO_OUTLIER)


def _counted(engine: Engine, rows: ir.Table) -> Iterable[tuple[str, tuple[str, ...], int]]:
    """(organization, cell, count): ("n",), (SOME,), ("level", name), ("pathway", name), ("without", name), ..."""
    pathways = [row["p"] for row in engine.rows(rows.select(p=rows.pathways.unnest()).distinct().order_by("p"))]
    sums: dict[tuple[str, ...], Any] = {("n",): rows.count()}
    sums |= {(SOME,): (rows.value > 0).sum(), (NOTHING,): (rows.value <= 0).sum()}
    sums |= {(OUTLIER,): rows.outlier.cast("int64").sum(), (NO_OUTLIER,): (~rows.outlier).cast("int64").sum()}
    sums |= {("level", name): (rows.level == name).sum() for name in LEVELS}
    sums |= {("pathway", name): rows.pathways.contains(name).sum() for name in pathways}
    sums |= {("without", name): (~rows.pathways.contains(name)).sum() for name in pathways}
    found = rows.group_by("organization").agg(**{"/".join(cell): count for cell, count in sums.items()})
    for row in engine.rows(found.order_by("organization")):
        yield from (
            (row["organization"], cell, row["/".join(cell)]) for cell in sums if row["/".join(cell)] is not None
        )


def _within(place: str, counts: Mapping[Cell, int]) -> list[Sum]:
    """The ways in which one place's number of patients is broken down."""
    pathways = {cell[2] for cell in counts if cell[:2] == (place, "pathway")}
    ways = [((SOME,), (NOTHING,)), tuple(("level", name) for name in LEVELS)]
    ways += [(("pathway", name), ("without", name)) for name in sorted(pathways)]
    if (place, OUTLIER) in counts:
        ways.append(((OUTLIER,), (NO_OUTLIER,)))
    return [Sum((place, "n"), tuple((place, *part) for part in parts)) for parts in ways]


def _summary(engine: Engine, rows: ir.Table, unit: str, place: str, cells: Mapping[Cell, int | None]) -> Summary:
    mine = {cell[1:]: n for cell, n in cells.items() if cell[0] == place}
    those = rows.filter(rows.unit == unit)
    those = those if place == ALL else those.filter(those.organization == place)
    n = mine["n",]
    return Summary(
        unit=unit,
        organization=None if place == ALL else place or "unknown",
        n=n,
        counts={kind: mine[kind,] for kind in (SOME, OUTLIER) if (kind,) in mine},
        levels={name: mine["level", name] for name in LEVELS},
        pathways={cell[1]: count for cell, count in sorted(mine.items()) if cell[0] == "pathway"},
        quantiles=_quantiles(engine, those, n) if n else {},
    )


def _quantiles(engine: Engine, rows: ir.Table, n: int) -> dict[str, float]:
    wanted = [q for q in QUANTILES if min(q, 1 - q) * n >= SMALLEST_SHOWN]
    if not wanted:
        return {}
    value = rows.value.cast("float64")
    found = engine.row(rows.agg(**{f"p{q * 100:g}": value.quantile(q) for q in wanted}))
    return {name: _coarse(amount) for name, amount in found.items()}


def _coarse(amount: float) -> float:
    return float(f"{Decimal(amount):.2g}")
