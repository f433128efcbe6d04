"""A number and its unit in, a FHIR Quantity out: money by currency, everything else in UCUM."""

from __future__ import annotations

from decimal import Decimal

from service.compose.canonical import CURRENCY, UCUM
from service.compose.content import Json, plain

UCUM_NAMES = {"1": "1", "d": "days", "mo": "mo"}


def quantity(value: Decimal, unit: str) -> Json:
    """Any unit that is not UCUM here is a currency; XXX is ISO 4217's code for none, so 0 XXX is a known nothing."""
    if unit in UCUM_NAMES:
        return {"value": plain(value), "unit": UCUM_NAMES[unit], "system": UCUM, "code": unit}
    return {"value": plain(value), "unit": unit, "system": CURRENCY, "code": unit}
