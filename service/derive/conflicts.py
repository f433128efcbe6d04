"""The rows of a policy in, the rules that can never matter out, with their place: duplicates, what another hides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, combinations

from service.derive.rules import BELOW, Condition, LevelRow, PathwayRow, Rule

Placed = tuple[str, Rule]
Conflict = tuple[str, str]
HIGHEST_FIRST = ("intensive", "enhanced")


def conflicts(levels: Sequence[LevelRow], pathways: Sequence[PathwayRow]) -> Iterator[Conflict]:
    """(place, what is wrong there)"""
    yield from _out_of_order(levels)
    kinds: list[tuple[str, Sequence[LevelRow | PathwayRow]]] = [("level", levels), ("pathway", pathways)]
    for name, rows in kinds:
        yield from _named_twice(name, [row.name for row in rows])
        for place, row in enumerate(rows):
            yield from _overlapping(_placed(f"{name}[{place}]", row))
    yield from _unreachable(levels)


def _placed(place: str, row: LevelRow | PathwayRow) -> list[Placed]:
    return [(f"{place}.any[{number}]", rule) for number, rule in enumerate(row.any)]


def _named_twice(kind: str, names: list[str]) -> Iterator[Conflict]:
    for place, name in enumerate(names):
        if name in names[:place]:
            yield f"{kind}[{place}].name", f"{name} stands twice; put its rules into one row"


def _out_of_order(rows: Sequence[LevelRow]) -> Iterator[Conflict]:
    ranks = [HIGHEST_FIRST.index(row.name) for row in rows]
    if ranks != sorted(ranks):
        yield "level", f"the first row that fires decides, so levels stand from the highest down: {HIGHEST_FIRST}"


def _overlapping(rules: Iterable[Placed]) -> Iterator[Conflict]:
    """Within one row: whoever fires the one fires the other, which alone would do."""
    for (first, one), (second, other) in combinations(rules, 2):
        if implies(one, other) and implies(other, one):
            yield second, f"{_told(other)} stands twice, also at {first}"
        elif implies(other, one):
            yield second, f"{_told(other)} overlaps with {_told(one)} at {first}, which fires whenever it does"
        elif implies(one, other):
            yield first, f"{_told(one)} overlaps with {_told(other)} at {second}, which fires whenever it does"


def _unreachable(rows: Sequence[LevelRow]) -> Iterator[Conflict]:
    """A rule of a lower level that never decides, since whoever fires it has a higher level already."""
    placed = [_placed(f"level[{place}]", row) for place, row in enumerate(rows)]
    for row, lower in enumerate(placed):
        for (place, rule), (higher_place, higher) in _pairs(lower, list(chain(*placed[:row]))):
            if implies(rule, higher):
                told = f"{_told(rule)} can never give {rows[row].name}"
                yield place, f"{told}: {_told(higher)} at {higher_place} fires whenever it does"


def _pairs(lower: list[Placed], higher: list[Placed]) -> Iterator[tuple[Placed, Placed]]:
    return ((one, other) for one in lower for other in higher)


def implies(one: Rule, other: Rule) -> bool:
    """Whoever fires `one` fires `other` as well."""
    stated = (one, *one.provided)
    return (
        _stricter(one, other)
        and all(any(_stricter(each, needed) for each in stated) for needed in other.provided)
        and (other.min_age_years or 0) <= (one.min_age_years or 0)
        and one.instead in ("", other.instead)
    )


def _stricter(one: Condition, other: Condition) -> bool:
    """As strict or stricter, on the same number."""
    if _number(one) != _number(other):
        return False
    return one.threshold <= other.threshold if one.comparator == BELOW else one.threshold >= other.threshold


def _number(condition: Condition) -> tuple[str, str, str, str]:
    return condition.measure, condition.of, condition.comparator, condition.in_unit


def _told(rule: Rule) -> str:
    of = "" if rule.of == "value" else f" {rule.of}"
    return f"{rule.measure}{of} {rule.comparator} {rule.threshold}"
