"""expected.json of the planted patients, worked by hand before the code, in; each expectation as Python values out."""

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

EXPECTED: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "planted" / "expected.json").read_text())[
    "patients"
]
# How many expectations there are of each family of measures: none may be lost on the way to a test.
FAMILIES = {
    "outpatient-visits": 13,
    "ed-visits": 7,
    "stays": 5,
    "contact-days": 7,
    "billed-charges": 4,
    "patient-liability": 2,
    "last-preventive-visit": 3,
    "upc": 7,
    "coc": 8,
    "fci-clinician": 2,
    "fci-organization": 2,
    "secon": 2,
    "readmissions-30d": 2,
    "inpatient-days": 3,
    "acute-stays": 1,
    "clinicians": 1,
    "organizations": 1,
    "cancelled-rate": 2,
}


def family(code: str) -> str:
    return code.rsplit("-", 1)[0] if code.endswith(("-p7d", "-p1m", "-p1y")) else code


def cases() -> list[tuple[str, str, Any]]:
    """(patient, code, expected) of every measure."""
    measured = ((who, each.get("measures", {})) for who, each in EXPECTED.items())
    return [(who, code, as_value(expected)) for who, measures in measured for code, expected in measures.items()]


def as_value(expected: Any) -> Any:
    """Decimals, fractions and dates are text there."""
    match expected:
        case {"numerator": above, "denominator": below}:
            return Fraction(above, below)
        case dict():
            return {currency: Decimal(amount) for currency, amount in expected.items()}
        case str() if expected.count("-") == 2:
            return date.fromisoformat(expected)
        case str():
            return Fraction(expected)
    return expected
