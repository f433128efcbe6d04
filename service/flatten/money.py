"""FHIR Money in, DECIMAL(18,6) and a currency code out; a text that is no amount becomes null and is told of."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

AMOUNT = "struct<value: string, currency: string, code: string>"  # STU3's Money is a Quantity: its code is the currency
DECIMAL = "decimal(18, 6)"


def amount(text: ir.StringValue) -> ir.DecimalValue:
    return text.try_cast(DECIMAL)


def currency(money: ir.StructValue) -> ir.StringValue:
    return ibis.coalesce(money.currency, money.code)


def unreadable(text: ir.StringValue) -> ir.BooleanValue:
    return (text.notnull() & amount(text).isnull()).fill_null(False)
