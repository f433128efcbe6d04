"""Visits and cancelled visits in, how reliably and how regularly a patient is seen out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.measure import NOT_RECORDED_BY_SOURCE, TOO_FEW, VALUE, measure
from service.derive.tally import KINDS, tally
from service.derive.windows import YEAR, Window


@measure("cancelled-rate", title="Cancelled visits", dimension="participation", windows=(YEAR,), absent=TOO_FEW)
def cancelled_rate(events: Events, window: Window) -> ir.Table:
    """Cancelled encounters / (cancelled encounters + visits). Whoever cancelled: it tells of no missed appointment. A
    source that never shows a cancelled encounter leaves it unknown for everybody."""
    seen = events.once(tally)
    cancelled = seen[f"cancelled_{window.code}"]
    every = cancelled + sum(seen[f"{kind}_{window.code}"] for kind in KINDS)
    told = seen.select("patient", numerator=cancelled, denominator=every).filter(ibis._.denominator > 0)
    told = told.cross_join(events.visits.says.select("cancelled"))
    shown = told.cancelled
    return told.select(
        "patient",
        numerator=ibis.cases((shown, told.numerator)),
        denominator=ibis.cases((shown, told.denominator)),
        unknown=ibis.cases((~shown, NOT_RECORDED_BY_SOURCE)),
    )


@measure("regularity", title="Regularity of visits", dimension="participation", windows=(YEAR,), absent=TOO_FEW)
def regularity(events: Events, window: Window) -> ir.Table:
    """The coefficient of variation (population standard deviation / mean) of the gaps in days between dates with any
    visit: 0 when they are all equal. The denominator is the number of dates, at least 3."""
    contacts = events.contacts.filter(window.holds(events.contacts.at, events.engine))
    days = contacts.select("patient", day=events.engine.local(contacts.at, events.zone).date()).distinct()
    order = ibis.window(group_by="patient", order_by="day")
    gaps = days.mutate(gap=days.day.delta(days.day.lag().over(order), unit="day"))
    sums = gaps.group_by("patient").agg(
        dates=gaps.count(), n=gaps.gap.count(), span=gaps.gap.sum(), squares=(gaps.gap * gaps.gap).sum()
    )
    enough = sums.filter(sums.dates >= 3)
    # sqrt(variance) / mean, with both multiplied by n: only the root is not exact.
    spread = (enough.n * enough.squares - enough.span * enough.span).sqrt() / enough.span
    return enough.select("patient", value=spread.round(6).cast(VALUE), denominator="dates")
