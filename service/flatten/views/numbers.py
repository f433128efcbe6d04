"""FHIR decimals as text in; numbers, and the least and greatest that the text can mean, out.

A column holds twelve digits after the point. https://hl7.org/fhir/R4/datatypes.html#decimal
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.engine import Engine
from service.flatten.views.kinds import DECIMAL, WRITTEN

DECIMALS = WRITTEN[DECIMAL]
FRACTION = r"[.]([0-9]+)"

# DuckDB's JSON reader takes every number for a double, which keeps fifteen digits: a longer one may have been another.
KEPT_BY_A_DOUBLE = 15
LOST_DIGITS = -1


def carried(text: ir.StringValue, engine: Engine) -> ir.DecimalValue:
    """A number out of text that has been a double; refused where that may have changed it."""
    lost = engine.refuse(LOST_DIGITS, DECIMALS)
    return ibis.cases((text.length() > KEPT_BY_A_DOUBLE + len("."), lost), else_=number(text))


def number(text: ir.StringValue) -> ir.DecimalValue:
    return text.cast(DECIMALS)


def low(text: ir.StringValue) -> ir.DecimalValue:
    return (number(text) - _half_a_digit(text)).cast(DECIMALS)


def high(text: ir.StringValue) -> ir.DecimalValue:
    return (number(text) + _half_a_digit(text)).cast(DECIMALS)


def _half_a_digit(text: ir.StringValue) -> ir.DecimalValue:
    """1.0 says that it is at least 0.95: what counts is how many digits were written."""
    digits = text.re_extract(FRACTION, 1).length()
    return (ibis.literal("0.") + ibis.literal("0").repeat(digits) + "5").cast(DECIMALS)
