"""What a measure is: a rule in words, where it comes from, and one expression from events to rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import getdoc

import ibis
import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.windows import EVER, Window

DIMENSIONS = (
    "outcomes", "participation", "comprehensiveness", "proactivity", "affordability", "stress", "relationship",
)  # fmt: skip
NOT_EXPOSED, TOO_FEW, LOW_ATTRIBUTION = "not-exposed", "too-few", "low-attribution"
NEVER_RECORDED, NOT_RECORDED_BY_SOURCE, NO_AMOUNTS = "never-recorded", "not-recorded-by-source", "no-amounts"
LOW_COVERAGE, NO_STAY, NO_INDEX_STAY, NOT_ENDED = "low-coverage", "no-stay", "no-index-stay", "not-ended"
ACUITY_NOT_RECORDED, DIAGNOSES_NOT_RECORDED = "acuity-not-recorded", "diagnoses-not-recorded"
DIAGNOSES_NOT_READ, DIAGNOSES_NOT_MAPPED = "diagnoses-not-read", "diagnoses-not-mapped"
NOT_ADJUDICATED, NO_CLAIMS, NOT_USABLE = "not-adjudicated", "no-claims", "not-usable"
REASONS = {
    NOT_EXPOSED: "the server does not expose what this is computed from",
    NOT_USABLE: "what the server holds of this patient for it cannot be used, and was set aside",
    TOO_FEW: "too few visits",
    LOW_ATTRIBUTION: "fewer than 80 % of the visits name a clinician",
    LOW_COVERAGE: "fewer than 80 % of the records say what this needs",
    NEVER_RECORDED: "none is recorded",
    NOT_RECORDED_BY_SOURCE: "this source does not record such visits",
    NO_AMOUNTS: "no claim states an amount",
    NOT_ADJUDICATED: "no explanation of benefit or response says what became of the claims",
    NO_CLAIMS: "there are no claims",
    NO_STAY: "no hospital stay in the window",
    NO_INDEX_STAY: "no hospital stay that could be followed for 30 days",
    NOT_ENDED: "the last hospital stay goes on, or does not say when it ended",
    ACUITY_NOT_RECORDED: "this source never says whether a hospital stay was acute",
    DIAGNOSES_NOT_RECORDED: "this source records no diagnoses",
    DIAGNOSES_NOT_READ: "the diagnoses are only references to conditions that were not read",
    DIAGNOSES_NOT_MAPPED: "fewer than 70 % of the diagnoses are coded in ICD-10",
}

ADJUDICATED = "ExplanationOfBenefit or ClaimResponse"
VALUE = "decimal(38, 6)"
Expression = Callable[[Events, Window], ir.Table]


@dataclass(frozen=True)
class Family:
    """One rule over one or several windows.

    The expression gives a row for each patient it can tell of, with any of value, date, mode, unit, numerator,
    denominator, coverage_numerator, coverage_denominator, unknown; without a value, numerator / denominator is the
    value. Patients it does not tell of have `absent`: zero, or unknown and
    why. `needs` is the resource type without which nothing is known, or several of which one suffices.
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

    def exposed(self, hidden: set[str]) -> bool:
        """`hidden` are the types of which nothing is known."""
        return not hidden.issuperset(self.needs.split(" or "))

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


def ratio(numerator: ir.IntegerValue, denominator: ir.IntegerValue) -> ir.DecimalValue:
    """Rounded half up to 6 places in integers, so that every engine gives the same digits."""
    millionths = (numerator * 2_000_000 + denominator) // (denominator * 2)
    return millionths.cast("decimal(32, 0)").cast(VALUE) * ibis.literal("0.000001").cast("decimal(6, 6)")
