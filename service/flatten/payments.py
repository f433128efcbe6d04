"""ExplanationOfBenefit and ClaimResponse in, one row for each adjudication that they state out.

`codes` are the category's; what each means is for a value set to say. `level` tells where it stands: of `total`, the
header's `adjudication` and the items' (`item`) only one may be summed, for they state the same money.
"""

from __future__ import annotations

from collections.abc import Callable

import ibis
import ibis.expr.types as ir

from service.flatten.adjudications import COLUMNS, EXPLANATION, RESPONSE, at_added_items, at_items
from service.flatten.codings import codes_of
from service.flatten.facts import Fact
from service.flatten.money import amount, currency
from service.flatten.origin import Origin

TOTAL, HEADER, ITEM = "total", "header", "item"
PATIENT_PAID = "|patientPaid"  # the element of R5, which bears no category


def rows_of(kind: str) -> Callable[[ir.Table, Origin], ir.Table]:
    def rows(resource: ir.Table, origin: Origin) -> ir.Table:  # noqa: ARG001 - the signature of every fact
        said = {TOTAL: [resource.total], HEADER: [resource.adjudication]}
        said[ITEM] = [at_items(resource), at_added_items(resource)]
        stated = [_stated(resource, each, level) for level, lists in said.items() for each in lists]
        every = ibis.union(*stated, _paid(resource))
        return every.mutate(resource=ibis.literal(kind), why=ibis.null("string"))

    return rows


def _stated(resource: ir.Table, adjudications: ir.ArrayValue, level: str) -> ir.Table:
    each = resource.select("id", said=adjudications.unnest())
    each = each.filter(each.said.category.coding.length() > 0)
    return each.select(
        "id",
        codes=codes_of(each.said.category),
        level=ibis.literal(level),
        amount=amount(each.said.amount.value),
        currency=currency(each.said.amount),
    )


def _paid(resource: ir.Table) -> ir.Table:
    paid = resource.filter(resource.patientPaid.value.notnull())
    return paid.select(
        "id",
        codes=ibis.array([PATIENT_PAID]),
        level=ibis.literal(TOTAL),
        amount=amount(paid.patientPaid.value),
        currency=currency(paid.patientPaid),
    )


EXPLANATIONS = Fact("payments", EXPLANATION, COLUMNS, rows_of(EXPLANATION), follows="adjudications")
RESPONSES = Fact("payments", RESPONSE, COLUMNS, rows_of(RESPONSE), follows="adjudications")
