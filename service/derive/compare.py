"""Facts and two policies in, who would change level or pathway if the second took the place of the first out.

Both read the same measures, and nothing is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ibis.expr.types as ir

from service.derive.categories import Categories
from service.derive.derive import unexposed
from service.derive.events import events
from service.derive.levels import levels
from service.derive.measures import measures
from service.derive.policy import Policy
from service.derive.recorded import NOTHING, Known
from service.engine import Engine

LISTED = 20
NONE = "none"


@dataclass(frozen=True)
class Change:
    """One patient; `reasons` are the rationale codes that the new policy gives."""

    patient: str
    level_before: str | None
    level_after: str | None
    pathways_added: list[str]
    pathways_ended: list[str]
    reasons: list[str]

    def line(self) -> str:
        parts = [f"{self.level_before or NONE} -> {self.level_after or NONE}"] if self.moves else []
        parts += [f"+{pathway}" for pathway in self.pathways_added]
        parts += [f"-{pathway}" for pathway in self.pathways_ended]
        return f"{self.patient}  {', '.join(parts)}"

    @property
    def moves(self) -> bool:
        return self.level_before != self.level_after


@dataclass
class Comparison:
    """`levels`: patients by move (`standard -> enhanced`); `pathways`: how many `added` and `ended` by pathway."""

    as_of: str
    before: dict[str, str]
    after: dict[str, str]
    profiles: int
    change_level: int = 0
    change_pathway: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    pathways: dict[str, Counter[str]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    def count(self, change: Change) -> None:
        self.changes.append(change)
        if change.moves:
            self.change_level += 1
            self.levels[f"{change.level_before or NONE} -> {change.level_after or NONE}"] += 1
        self.change_pathway += bool(change.pathways_added or change.pathways_ended)
        for word, pathways in (("added", change.pathways_added), ("ended", change.pathways_ended)):
            for pathway in pathways:
                self.pathways.setdefault(pathway, Counter())[word] += 1

    def lines(self) -> Iterator[str]:
        yield f"as of {self.as_of}: policy {_named(self.before)} -> {_named(self.after)}; nothing was derived or kept"
        yield f"{self.change_level:,} of {self.profiles:,} patients would change level"
        yield from (f"  {number:,} {move}" for move, number in sorted(self.levels.items()))
        yield f"{self.change_pathway:,} would change pathway"
        for pathway, moved in sorted(self.pathways.items()):
            yield f"  {pathway}: {moved['added']:,} more, {moved['ended']:,} fewer"
        yield from (change.line() for change in self.changes[:LISTED])
        if len(self.changes) > LISTED:
            yield f"... and {len(self.changes) - LISTED:,} more; --json lists all"


def compare(
    facts: Path,
    *,
    engine: Engine,
    manifest: dict[str, Any],
    as_of: datetime,
    zone: ZoneInfo,
    before: Policy,
    after: Policy,
    categories: Categories | None = None,
    known: Known = NOTHING,
) -> Comparison:
    """`before` is the policy in force; `known` is what the source records of others, where these are some alone."""
    hidden = unexposed(manifest)
    happened = events(facts, as_of, zone, engine, categories, known=known)
    measured = measures(happened, hidden)
    one, other = (engine.materialise(levels(happened, measured, policy)) for policy in (before, after))
    profiles = engine.row(one.agg(n=one.count()))["n"]
    comparison = Comparison(as_of.isoformat(), _identity(before), _identity(after), profiles)
    for row in engine.rows(_different(one, other)):
        comparison.count(_change(row))
    return comparison


def _different(one: ir.Table, other: ir.Table) -> ir.Table:
    after = other.select("patient", level_after="level", pathways_after="pathways", rationale_after="rationale")
    joined = one.select("patient", "level", "pathways").inner_join(after, "patient")
    same_level = joined.level.identical_to(joined.level_after)
    return joined.filter(~same_level | (joined.pathways != joined.pathways_after)).order_by("patient")


def _change(row: dict[str, Any]) -> Change:
    before, after = set(row["pathways"]), set(row["pathways_after"])
    reasons = dict.fromkeys(reason["code"] for reason in row["rationale_after"])
    return Change(
        row["patient"], row["level"], row["level_after"], sorted(after - before), sorted(before - after), list(reasons)
    )


def _identity(policy: Policy) -> dict[str, str]:
    return {"version": policy.version, "hash": policy.hash}


def _named(policy: dict[str, str]) -> str:
    return f"{policy['version']} ({policy['hash'].rpartition(':')[2][:8]})"
