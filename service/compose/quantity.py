"""A number and its unit in, a FHIR Quantity out: money by currency, everything else in UCUM."""

from __future__ import annotations

import re
from decimal import Decimal

from service.compose.canonical import CURRENCY, UCUM
from service.compose.content import Json, plain

ISO_4217 = re.compile("[A-Z]{3}")
UCUM_NAMES = {"1": "1", "d": "days", "mo": "mo"}


def quantity(value: Decimal, unit: str) -> Json:
    """Three capital letters are a currency; XXX is ISO 4217's code for none, so 0 XXX is a known nothing."""
    if ISO_4217.fullmatch(unit):
        return {"value": plain(value), "unit": unit, "system": CURRENCY, "code": unit}
    return {"value": plain(value), "unit": UCUM_NAMES.get(unit, unit), "system": UCUM, "code": unit}
