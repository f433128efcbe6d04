"""Diagnoses and spans of time in, what the comorbidities weigh within them out.

Of a disease that the index knows in two degrees the graver alone counts.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.admissions import last_stay
from service.derive.comorbidity import categories, prefixes
from service.derive.diagnoses import diagnoses, of_any
from service.derive.events import Events
from service.derive.measure import DIAGNOSES_NOT_MAPPED, DIAGNOSES_NOT_READ, DIAGNOSES_NOT_RECORDED
from service.derive.windows import Window

YEAR, STAY = "year", "stay"  # the spans: the window, and the 12 months to the end of its last stay
SPAN = ("patient", "span")
WEIGHTS = {"name": "string", "unless": "string", "classic": "int64", "schneeweiss": "int64"}
SUMS = ("stated", "mapped", "read", "classic", "schneeweiss")


def burden(events: Events, window: Window, span: str) -> ir.Table:
    """(patient, classic, schneeweiss, mapped, stated, unknown): the weights, and how many of the diagnoses `stated` are
    `mapped`. Every patient has a row for the year, those with a stay one for that."""
    table = events.once(_burdens, window)
    return table.filter(table.span == span).drop("span")


def considered(events: Events, window: Window) -> ir.Table:
    """The diagnoses within each span of each patient."""
    spans, stated = events.once(_spans, window), events.once(diagnoses)
    joined = stated.inner_join(spans, "patient")
    return joined.filter(joined.at >= joined.opens, joined.at <= joined.closes).drop("opens", "closes")


def _spans(events: Events, window: Window) -> ir.Table:
    """(patient, span, opens, closes), both ends included."""
    engine, stays = events.engine, events.once(last_stay, window)
    months = ibis.interval(months=12)
    kind = stays.until.type()
    opens, closes = engine.at(window.opens).cast(kind), engine.at(window.end).cast(kind)
    years = events.people.roster.select("patient", span=ibis.literal(YEAR), opens=opens, closes=closes)
    return years.union(stays.select("patient", span=ibis.literal(STAY), opens=stays.until - months, closes=stays.until))


def _burdens(events: Events, window: Window) -> ir.Table:
    spans, within = events.once(_spans, window).select(*SPAN), events.once(considered, window)
    joined = spans.left_join(_share(within), SPAN).drop("patient_right", "span_right")
    joined = joined.left_join(_weights(events, within), SPAN).drop("patient_right", "span_right")
    joined = joined.cross_join(of_any(events))
    filled = joined.mutate({name: joined[name].fill_null(0) for name in SUMS})
    unknown = ibis.cases(
        (~filled.diagnoses, DIAGNOSES_NOT_RECORDED),
        ((filled.stated > 0) & (filled.read == 0), DIAGNOSES_NOT_READ),
        (filled.mapped * 10 < filled.stated * 7, DIAGNOSES_NOT_MAPPED),
    )
    return filled.mutate(unknown=unknown).drop("diagnoses", "read")


def _share(within: ir.Table) -> ir.Table:
    each = within.group_by(*SPAN, "concept").agg(mapped=within.code.notnull().any(), read=within.read.any())
    return each.group_by(*SPAN).agg(
        stated=each.count(), mapped=each.count(where=each.mapped), read=each.count(where=each.read)
    )


def _weights(events: Events, within: ir.Table) -> ir.Table:
    """A code belongs to the categories with a prefix of it: each code is compared once, not at every use."""
    listed = events.engine.load(prefixes(), {"prefix": "string", "category": "string"})
    codes = within.filter(within.code.notnull()).select("code").distinct()
    meaning = codes.inner_join(listed, codes.code.startswith(listed.prefix)).select("code", "category").distinct()
    found = within.inner_join(meaning, "code").select(*SPAN, "category").distinct()
    weights = events.engine.load(categories(), WEIGHTS)
    weighed = found.inner_join(weights, found.category == weights.name).drop("name")
    counted = weighed.anti_join(found.select(*SPAN, unless="category"), [*SPAN, "unless"])
    return counted.group_by(*SPAN).agg(classic=counted.classic.sum(), schneeweiss=counted.schneeweiss.sum())
