"""Profiles in, the patients with the most visits or charges out; staff read it, so its words are neutral."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis

from service.engine import Engine
from service.errors import WrongUsage

MEASURES = {"visits": "visits", "charges": "billed-charges"}
WINDOWS = ("p7d", "p1m", "p1y")


@dataclass(frozen=True)
class TopPatient:
    """`unit` is `1` for visits and the currency for charges; `reasons` are rationale codes."""

    patient: str
    value: Decimal
    unit: str
    level: str | None
    pathways: Sequence[str]
    reasons: Sequence[str]


def top_patients(
    profiles: Path, engine: Engine, by: str = "visits", window: str = "p1y", limit: int = 10
) -> list[TopPatient]:
    """The highest values first, equal ones in the order of their ids; charges within each currency, `limit` in each.

    Left out are patients with none, those of whom it is unknown, and the deceased.
    """
    code = _measure(by, window)
    people = engine.read_parquet(profiles / "profiles.parquet").filter(~ibis._.deceased)
    measures = engine.read_parquet(profiles / "measures.parquet")
    found = measures.filter(measures.code == code, measures.value > 0).select("patient", "value", "unit")
    order = ibis.window(group_by="unit", order_by=[ibis.desc("value"), "patient"])
    ranked = people.inner_join(found, "patient").mutate(place=ibis.row_number().over(order))
    shown = ranked.filter(ranked.place < limit).order_by("unit", "place")
    return [_row(row) for row in engine.rows(shown.select(*TOLD))]


TOLD = ("patient", "value", "unit", "level", "pathways", "rationale")


def _row(row: dict[str, Any]) -> TopPatient:
    reasons = row.pop("rationale")
    return TopPatient(**row, reasons=list(dict.fromkeys(reason["code"] for reason in reasons)))


def _measure(by: str, window: str) -> str:
    if by not in MEASURES:
        raise WrongUsage(f"nothing is ranked by {by}", where="--by", do=f"choose one of {', '.join(MEASURES)}")
    if window not in WINDOWS:
        raise WrongUsage(f"there is no window {window}", where="--window", do=f"choose one of {', '.join(WINDOWS)}")
    return f"{MEASURES[by]}-{window}"
