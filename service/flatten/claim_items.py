"""Claim resources in, one row for each item that bears an amount out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.flatten.claims import COLUMNS
from service.flatten.facts import Fact
from service.flatten.money import amount, currency
from service.flatten.origin import Origin


def rows(claim: ir.Table, origin: Origin) -> ir.Table:
    """Amounts that cannot be read are null here; the claim they belong to says so."""
    item = claim.select("id", "patient", version=claim.meta.versionId, item=claim.item.unnest())
    item = item.filter(item.item.net.value.notnull() | item.item.unitPrice.value.notnull())
    return item.select(
        patient=origin.reference(item.patient.reference, "Patient"),
        id=item.id,
        version=item.version,
        sequence=item.item.sequence,
        net=amount(item.item.net.value),
        quantity=amount(item.item.quantity.value),
        unit_price=amount(item.item.unitPrice.value),
        factor=amount(item.item.factor),
        currency=ibis.coalesce(currency(item.item.net), currency(item.item.unitPrice)),
        why=ibis.null("string"),
    )


FACT = Fact("claim_items", "Claim", COLUMNS, rows, follows="claims")
