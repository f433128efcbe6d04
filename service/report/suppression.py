"""Counts of people and the sums that tie them together in, what may be shown of each out.

A cell of 1 to 10 people is not shown: CMS's cell size policy, by which a zero is no small cell. Neither is any other
whose number would tell more of such a cell than that: rows that add up to a total, the complement of a share, a pair
whose sum leaves one way only. The next smallest cells are withheld until nothing more follows from what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

SMALLEST_SHOWN = 11
FEW = range(1, SMALLEST_SHOWN)
UNBOUNDED = float("inf")
ROUNDS = 50  # of tightening; sums of a table settle in a few

Cell = tuple[str, ...]
Bounds = tuple[float, float]
Equation = tuple[Mapping[Cell, Fraction], Fraction]  # coefficients by cell, and what they come to


@dataclass(frozen=True)
class Sum:
    """`total` is the sum of `parts`, and everybody knows it."""

    total: Cell
    parts: tuple[Cell, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        return (self.total, *self.parts)


def suppressed(
    counts: Mapping[Cell, int], sums: Sequence[Sum], decided: Mapping[Cell, int | None] | None = None
) -> dict[Cell, int | None]:
    """The counts, None where hidden. `decided` cells are as they are: totals that are shown, or hidden, elsewhere."""
    fixed = decided or {}
    hidden = {cell for cell, n in counts.items() if (fixed[cell] is None if cell in fixed else n in FEW)}
    free = {cell for cell, n in counts.items() if n and cell not in fixed}
    few = {cell for cell in hidden if counts[cell] in FEW}
    while (leak := _leak(counts, sums, hidden, few)) is not None and free - hidden:
        near = {cell for each in sums if leak in each.cells for cell in each.cells}
        choice = (free & near) - hidden or free - hidden
        hidden.add(min(choice, key=lambda cell: (_drawn_in(cell, sums, hidden), counts[cell], cell)))
    return {cell: None if cell in hidden else n for cell, n in counts.items()}


def _drawn_in(cell: Cell, sums: Sequence[Sum], hidden: set[Cell]) -> int:
    """How many sums would have their first hidden cell, and so need a second, less those that get their second."""
    already = [len(hidden.intersection(each.cells)) for each in sums if cell in each.cells]
    return already.count(0) - already.count(1)


def _leak(counts: Mapping[Cell, int], sums: Sequence[Sum], hidden: set[Cell], few: set[Cell]) -> Cell | None:
    """A hidden cell that can be worked out, exactly or to fewer values than 1 to 10; None where there is none."""
    touched = [each for each in sums if hidden & set(each.cells)]
    for each in touched:
        alone = hidden & set(each.cells)
        if len(alone) == 1:
            return alone.pop()
    equations = [_equation(each, counts, hidden) for each in touched]
    return _told(equations, hidden, few) or _told([*equations, *_reduced(equations)], hidden, few)


def _told(equations: Sequence[Equation], hidden: set[Cell], few: set[Cell]) -> Cell | None:
    bounds = _tightened(equations, dict.fromkeys(hidden, (1.0, UNBOUNDED)))
    narrow = [cell for cell in few if bounds[cell][1] - bounds[cell][0] < len(FEW) - 1]
    return min(narrow, default=None)


def _equation(each: Sum, counts: Mapping[Cell, int], hidden: set[Cell]) -> Equation:
    signed = [(each.total, Fraction(1)), *((part, Fraction(-1)) for part in each.parts)]
    known = sum((sign * counts[cell] for cell, sign in signed if cell not in hidden), Fraction(0))
    return {cell: sign for cell, sign in signed if cell in hidden}, -known


def _reduced(equations: Iterable[Equation]) -> list[Equation]:
    """Gauss and Jordan: what follows from several sums together."""
    rows: list[tuple[Cell, dict[Cell, Fraction], Fraction]] = []
    for terms, value in equations:
        left, right = dict(terms), value
        for pivot, known, came_to in rows:
            left, right = _less(left, right, pivot, known, came_to)
        if not left:
            continue
        pivot = min(left)
        scale = left[pivot]
        own = {cell: factor / scale for cell, factor in left.items()}
        rows = [(p, *_less(k, c, pivot, own, right / scale)) for p, k, c in rows]
        rows.append((pivot, own, right / scale))
    return [(terms, value) for _, terms, value in rows]


def _less(
    terms: Mapping[Cell, Fraction], value: Fraction, pivot: Cell, known: Mapping[Cell, Fraction], came_to: Fraction
) -> tuple[dict[Cell, Fraction], Fraction]:
    factor = terms.get(pivot)
    if not factor:
        return dict(terms), value
    left = dict(terms)
    for cell, part in known.items():
        left[cell] = left.get(cell, Fraction(0)) - factor * part
    return {cell: part for cell, part in left.items() if part}, value - factor * came_to


def _tightened(equations: Sequence[Equation], bounds: dict[Cell, Bounds]) -> dict[Cell, Bounds]:
    """Each cell can be no more than its sum leaves when the others are at their least, and the other way round."""
    for _ in range(ROUNDS):
        before = dict(bounds)
        for terms, value in equations:
            for cell, factor in terms.items():
                bounds[cell] = _within(cell, float(factor), terms, float(value), bounds)
        if bounds == before:
            break
    return bounds


def _within(
    cell: Cell, factor: float, terms: Mapping[Cell, Fraction], value: float, bounds: Mapping[Cell, Bounds]
) -> Bounds:
    others = [sorted(float(f) * end for end in bounds[other]) for other, f in terms.items() if other != cell]
    rest = sorted(((value - sum(o[1] for o in others)) / factor, (value - sum(o[0] for o in others)) / factor))
    low, high = bounds[cell]
    return max(low, rest[0]), min(high, rest[1])
