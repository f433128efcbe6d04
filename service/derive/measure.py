"""What a measure is: a rule in words, where it comes from, and one expression from events to rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import getdoc

import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.windows import EVER, Window

DIMENSIONS = (
    "outcomes", "participation", "comprehensiveness", "proactivity", "affordability", "stress", "relationship",
)  # fmt: skip
NOT_EXPOSED, TOO_FEW, LOW_ATTRIBUTION = "not-exposed", "too-few", "low-attribution"
NEVER_RECORDED, NOT_RECORDED_BY_SOURCE, NO_AMOUNTS = "never-recorded", "not-recorded-by-source", "no-amounts"
REASONS = {
    NOT_EXPOSED: "the server does not expose what this is computed from",
    TOO_FEW: "too few visits",
    LOW_ATTRIBUTION: "fewer than 80 % of the visits name a clinician",
    NEVER_RECORDED: "none is recorded",
    NOT_RECORDED_BY_SOURCE: "this source does not record such visits",
    NO_AMOUNTS: "no claim states an amount",
}

Expression = Callable[[Events, Window], ir.Table]


@dataclass(frozen=True)
class Family:
    """One rule over one or several windows.

    The expression gives a row for each patient it can tell of, with any of value, date, unit, numerator, denominator,
    coverage_numerator, coverage_denominator, unknown. Patients it does not tell of have `absent`: zero, or unknown and
    why. `needs` is the resource type without which nothing is known.
    """

    code: str
    title: str
    dimension: str
    unit: str
    windows: tuple[str, ...]
    source: str
    needs: str
    absent: int | str
    definition: str
    expression: Expression

    @property
    def codes(self) -> dict[str, str]:
        """Window code by measure code: `ed-visits-p1y`; a measure over all records bears no window."""
        return {self.code if w == EVER else f"{self.code}-{w}": w for w in self.windows}


def measure(
    code: str,
    *,
    title: str,
    dimension: str,
    windows: tuple[str, ...],
    unit: str = "1",
    source: str = "own",
    needs: str = "Encounter",
    absent: int | str = 0,
) -> Callable[[Expression], Family]:
    """The docstring of the expression is the definition that is published."""

    def family(expression: Expression) -> Family:
        words = " ".join((getdoc(expression) or "").split())
        return Family(code, title, dimension, unit, windows, source, needs, absent, words, expression)

    return family
