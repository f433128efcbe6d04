"""FHIR Money in, DECIMAL(18,6) and a currency code out; a text that is no amount becomes null and is told of."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

AMOUNT = "struct<value: string, currency: string, code: string>"  # STU3's Money is a Quantity: its code is the currency
DECIMAL = "decimal(18, 6)"  # so that 10^12 and more, which nobody was ever billed, is no amount
ISO_4217 = "^[A-Z]{3}$"


def amount(text: ir.StringValue) -> ir.DecimalValue:
    return text.try_cast(DECIMAL)


def currency(money: ir.StructValue) -> ir.StringValue:
    return ibis.coalesce(money.currency, money.code)


def unnamed(money: ir.StructValue) -> ir.BooleanValue:
    """An amount without a currency: of what, nobody knows."""
    return (money.value.notnull() & currency(money).isnull()).fill_null(False)


def misnamed(money: ir.StructValue) -> ir.BooleanValue:
    """A currency that is no three capital letters, as every code of ISO 4217 is."""
    return (~currency(money).re_search(ISO_4217)).fill_null(False)


def unreadable(text: ir.StringValue) -> ir.BooleanValue:
    return (text.notnull() & amount(text).isnull()).fill_null(False)
