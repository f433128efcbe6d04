"""Levels and who the patients are in, whether those equal in need are served alike out.

Need is our own score: emergency visits plus hospital stays of the year, in four bands. It sees those who reached care
(Obermeyer 2019 on what that misses), and the report says so. A stratum is marked where the 95 % interval of the ratio
to the best-served lies wholly below four fifths (29 CFR 1607.4 D) among those of one band.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from service.engine import Engine
from service.errors import WrongUsage
from service.report.basis import Basis
from service.report.context import AXES, UNKNOWN, context, strata
from service.report.proportions import Interval, ratio, wilson
from service.report.suppression import SMALLEST_SHOWN, Cell, Sum, suppressed

FOUR_FIFTHS = 0.8
NEED = ("ed-visits-p1y", "stays-p1y")
BANDS = ("0", "1", "2-3", "4 or more", UNKNOWN)
LEVEL = "level above standard"
ACCOMMODATIONS = ("interpreter", "accessible-visit")  # given for exactly what some strata are made of
ALL = "*"
ANY = (ALL, *BANDS)
KINDS = ("n", "selected", "not")

Row = dict[str, Any]
NOTES = (
    "need is emergency visits plus hospital stays of the year (own): who does not reach care seems to need none",
    f"counts of 1 to {SMALLEST_SHOWN - 1} patients, and those that would reveal them, are not shown",
    "a difference is a question, not an answer: other causes than the policy are possible",
)


@dataclass(frozen=True)
class Served:
    """Of `n` patients `selected` have what is asked about; null where suppressed.

    `ratio` is to the best-served stratum of the same comparison, with its 95 % interval; null for that one itself.
    """

    stratum: str
    n: int | None
    selected: int | None
    rate: float | None
    interval: Interval | None
    ratio: float | None
    ratio_interval: Interval | None
    lower: bool


@dataclass(frozen=True)
class Comparison:
    """`need` null: everybody; else those of one band. `accommodation`: it follows from the stratum by design."""

    by: str
    what: str
    need: str | None
    accommodation: bool
    best: str | None
    strata: list[Served]

    @property
    def lower(self) -> list[str]:
        return [each.stratum for each in self.strata if each.lower]


@dataclass(frozen=True)
class Equity:
    run: str
    as_of: str
    policy_version: str
    limited: bool
    notes: list[str]
    n: int | None
    comparisons: list[Comparison]

    @property
    def marked(self) -> list[Comparison]:
        """Where those equal in need are not served alike."""
        return [each for each in self.comparisons if each.need is not None and each.lower and not each.accommodation]

    @property
    def untold(self) -> int:
        """Strata that cannot be compared at equal need, for their numbers are small or would reveal small ones."""
        banded = [each for each in self.comparisons if each.need is not None and not each.accommodation]
        return sum(one.selected is None for each in banded for one in each.strata)


def equity(basis: Basis, engine: Engine, by: Sequence[str] = AXES, rurality: Sequence[str] = ()) -> Equity:
    """Of those with a level: by each axis the share above standard and on each pathway, of all and at equal need."""
    for axis in by:
        if axis not in AXES:
            raise WrongUsage(f"there is no axis {axis}", where="--by", do=f"choose among {', '.join(AXES)}")
    people = engine.materialise(_people(basis, engine, rurality))
    given = [row["p"] for row in engine.rows(people.select(p=people.pathways.unnest()).distinct().order_by("p"))]
    whats = [LEVEL, *given]
    totals = _shown(_counts(engine, people.mutate(stratum=ibis.literal(ALL)), whats), whats, [], {})
    return Equity(
        run=basis.run,
        as_of=basis.as_of,
        policy_version=basis.edition.framework,
        limited=basis.limited,
        notes=[*basis.notes, *NOTES],
        n=totals[LEVEL].shown["n", ALL, ALL],
        comparisons=[each for axis in by for each in _axis(engine, people, axis, whats, totals)],
    )


def _people(basis: Basis, engine: Engine, rurality: Sequence[str]) -> ir.Table:
    """(patient, selected, pathways, need, and each of AXES) of those who have a level."""
    profiles = basis.people(engine)
    judged = profiles.filter(profiles.level.notnull())
    score = ibis.union(*(basis.measured(engine, code).select("patient", "value", "code") for code in NEED))
    summed = score.group_by("patient").agg(need=score.value.sum(), known=score.value.count())
    joined = judged.left_join(summed, "patient").drop("patient_right")
    joined = joined.left_join(context(basis, engine, rurality), "patient").drop("patient_right")
    need = ibis.cases((joined.known == len(NEED), joined.need))
    band = ibis.cases((need < 1, "0"), (need < 2, "1"), (need < 4, "2-3"), (need >= 4, "4 or more"), else_=UNKNOWN)
    axes = {axis: joined[axis].fill_null(UNKNOWN) for axis in AXES}
    return joined.select("patient", "pathways", selected=joined.level != "standard", need=band, **axes)


def _counts(engine: Engine, people: ir.Table, whats: Sequence[str]) -> list[Row]:
    """Rows of stratum, need, n, and how many of them have each of `whats`."""
    has = [people.selected, *(people.pathways.contains(name) for name in whats[1:])]
    given = {f"has{place}": each.sum() for place, each in enumerate(has)}
    counted = people.group_by("stratum", "need").agg(n=people.count(), **given)
    return [
        {**{k: row[k] for k in ("stratum", "need", "n")}, **{what: row[f"has{i}"] for i, what in enumerate(whats)}}
        for row in engine.rows(counted.order_by("stratum", "need"))
    ]


@dataclass(frozen=True)
class _Cells:
    """(kind, stratum, band) of n, selected and not; `*` is all strata, or all bands."""

    counts: dict[Cell, int]
    shown: dict[Cell, int | None]


def _axis(
    engine: Engine, people: ir.Table, axis: str, whats: Sequence[str], totals: Mapping[str, _Cells]
) -> list[Comparison]:
    apart = _counts(engine, people.inner_join(strata(people, axis), "patient"), whats)
    hidden = _too_small(apart, totals[LEVEL])
    together = f"{', '.join(hidden)} together"
    rows = [{**row, "stratum": together} if row["stratum"] in hidden else row for row in apart]
    names = sorted({row["stratum"] for row in rows}, key=lambda name: (name in (UNKNOWN, together), name))
    cells = _shown(rows, whats, names, totals)
    bands = [None, *(band for band in BANDS if any(row["need"] == band for row in rows))]
    return [_comparison(axis, what, band, names, cells[what].shown, hidden) for what in whats for band in bands]


def _too_small(rows: list[Row], whole: _Cells) -> list[str]:
    """Strata of fewer than 11 patients, and the next smallest where the total would reveal them.

    Their sum is what the total leaves: it reveals nothing more, so they are compared together as one.
    """
    everybody: Cell = ("n", ALL, ALL)
    sizes: dict[Cell, int] = {("n", row["stratum"], ALL): 0 for row in rows} | {everybody: whole.counts[everybody]}
    for row in rows:
        sizes["n", row["stratum"], ALL] += row["n"]
    parts = tuple(cell for cell in sizes if cell != everybody)
    shown = suppressed(sizes, [Sum(everybody, parts)], {everybody: whole.shown[everybody]})
    return sorted(cell[1] for cell in parts if shown[cell] is None)


def _shown(
    rows: list[Row], whats: Sequence[str], names: Sequence[str], totals: Mapping[str, _Cells]
) -> dict[str, _Cells]:
    """For each of `whats` what may be shown: totals as decided before, numbers of patients alike for all of `whats`."""
    found: dict[str, _Cells] = {}
    everybody = sum(row["n"] for row in rows)
    sizes: dict[Cell, int | None] = suppressed({("n", ALL, ALL): everybody}, [])  # runs tell it anyway
    for what in whats:
        counts = _cells(rows, what, names or [ALL]) | (totals[what].counts if totals else {})
        decided = sizes | (totals[what].shown if totals else {})
        shown = suppressed(counts, _sums(names), decided)
        sizes = {cell: n for cell, n in shown.items() if cell[0] == "n"}
        found[what] = _Cells(counts, shown)
    return found


def _cells(rows: list[Row], what: str, names: Sequence[str]) -> dict[Cell, int]:
    cells: dict[Cell, int] = {}
    for name in names:
        for band in ANY:
            those = [row for row in rows if row["stratum"] == name and band in (ALL, row["need"])]
            n, selected = sum(row["n"] for row in those), sum(row[what] for row in those)
            cells |= {("n", name, band): n, ("selected", name, band): selected, ("not", name, band): n - selected}
    return cells


def _sums(names: Sequence[str]) -> list[Sum]:
    """Each number with its complement, all bands together, all strata together."""
    every = (ALL, *names)
    pairs = [Sum(("n", name, band), (("selected", name, band), ("not", name, band))) for name in every for band in ANY]
    bands = [Sum((kind, name, ALL), tuple((kind, name, band) for band in BANDS)) for kind in KINDS for name in every]
    whole = [Sum((kind, ALL, band), tuple((kind, name, band) for name in names)) for kind in KINDS for band in ANY]
    return [*pairs, *bands, *(whole if names else [])]


def _comparison(
    axis: str,
    what: str,
    band: str | None,
    names: Sequence[str],
    shown: Mapping[Cell, int | None],
    hidden: Sequence[str],
) -> Comparison:
    pairs = {name: _pair(shown, name, band or ALL) for name in names if shown["n", name, band or ALL] != 0}
    known = {name: pair for name, pair in pairs.items() if pair[0] and pair[1] is not None and name != UNKNOWN}
    best = max(known, key=lambda name: (known[name][1] / known[name][0], known[name][0]), default=None)  # type: ignore[operator]
    accommodation = what in ACCOMMODATIONS
    return Comparison(
        by=axis,
        what=what,
        need=band,
        accommodation=accommodation,
        best=best,
        strata=[
            *(_served(name, pair, known.get(best or ""), name == best) for name, pair in pairs.items()),
            *(Served(name, None, None, None, None, None, None, lower=False) for name in hidden),
        ],
    )


def _pair(shown: Mapping[Cell, int | None], name: str, band: str) -> tuple[int | None, int | None]:
    return shown["n", name, band], shown["selected", name, band]


def _served(
    name: str, pair: tuple[int | None, int | None], best: tuple[int | None, int | None] | None, is_best: bool
) -> Served:
    n, selected = pair
    if not n or selected is None:
        return Served(name, n, None, None, None, None, None, lower=False)
    rate, interval = selected / n, wilson(selected, n)
    if is_best or not best or not best[0] or not best[1]:
        return Served(name, n, selected, rate, interval, None, None, lower=False)
    against = ratio(selected, n, best[1], best[0])
    times = rate / (best[1] / best[0])
    return Served(name, n, selected, rate, interval, times, against, lower=against.high < FOUR_FIFTHS)
