"""All patients of a source in, derived so many at a time, so that what is held at once does not grow with them.

What is asked of everybody (does the source record preventive visits at all?) is answered over all spans: one that was
derived before the first such visit was found, and had none itself, is derived again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir

from service.derive.derivation import ORDER, Asked, Derived
from service.derive.recorded import NOTHING, Known

SPAN = 100_000  # records of patients


@dataclass(frozen=True)
class _Span:
    """From the first patient up to the one that the next span begins with; its files, by the order of spans."""

    first: str
    end: str | None
    measures: Path
    profiles: Path

    def holds(self, patient: ir.StringValue) -> ir.BooleanValue:
        return patient >= self.first if self.end is None else (patient >= self.first) & (patient < self.end)


@dataclass(frozen=True)
class _Told:
    source: dict[str, Any]
    shows: Known
    known: Known
    cyclic_visits: int
    cyclic_claims: int
    ties: int


def derived_in_spans(asked: Asked) -> Derived:
    """As `asked.derived()`, the measures in the order of files."""
    engine, folder = asked.engine, asked.engine.folder()
    spans, told, known = list(_spans(asked, folder)), {}, NOTHING
    for span in spans:
        told[span] = _one(asked, span, known)
        known |= told[span].shows
    for span, each in told.items():
        if known - each.shows - each.known:
            told[span] = _one(asked, span, known)
    every = list(told.values())
    return Derived(
        measured=engine.read_parquet(*(span.measures for span in spans)),
        profiles=engine.read_parquet(*(span.profiles for span in spans)),
        source=engine.load([every[0].source], dict.fromkeys(every[0].source, "boolean")),
        people=asked.people(),
        cyclic_visits=sum(each.cyclic_visits for each in every),
        cyclic_claims=sum(each.cyclic_claims for each in every),
        ties=engine.load([{"n": sum(each.ties for each in every)}], {"n": "int64"}),
    )


def _spans(asked: Asked, folder: Path) -> Iterator[_Span]:
    engine = asked.engine
    with engine.passing():
        placed = _records(asked).mutate(place=ibis.row_number().over(order_by="patient"))
        firsts = placed.filter(placed.place % SPAN == 0).order_by("patient")
        found = [row["patient"] for row in engine.rows(firsts)] or [""]
    for number, (first, end) in enumerate(zip(found, [*found[1:], None], strict=True)):
        yield _Span(first, end, folder / f"measures-{number}.parquet", folder / f"profiles-{number}.parquet")


def _records(asked: Asked) -> ir.Table:
    """(patient): merged ones too, of whom nothing is derived."""
    return asked.engine.read_parquet(asked.facts / "patients.parquet").select("patient")


def _one(asked: Asked, span: _Span, known: Known) -> _Told:
    engine = asked.engine
    with engine.passing():
        records = _records(asked)
        only = engine.materialise(records.filter(span.holds(records.patient)))
        result = asked.derived(only, known=known)
        engine.write_parquet(result.measured.order_by(*ORDER), span.measures)
        engine.write_parquet(result.profiles.order_by("patient"), span.profiles)
        return _Told(
            source=engine.row(result.source),
            shows=asked.shown(result.measured),
            known=known,
            cyclic_visits=result.cyclic_visits,
            cyclic_claims=result.cyclic_claims,
            ties=engine.row(result.ties)["n"],
        )
