"""Visits and stays in, days with healthcare out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.measure import measure
from service.derive.windows import MONTH, YEAR, Window

DAY = ibis.interval(days=1)
INSTANT = ibis.interval(microseconds=1)


@measure(
    "contact-days", title="Days with healthcare", dimension="stress", unit="d", windows=(MONTH, YEAR),
    source="healthcare contact days, Gupta 2022",
)  # fmt: skip
def contact_days(events: Events, window: Window) -> ir.Table:
    """Distinct local dates with any visit; of a stay every date from its first to its last within the window, of any
    other visit the date of its start. The newborn's stay of birth adds none."""
    days = ibis.union(_single(events, window), _of_stays(events, window), distinct=True)
    return days.group_by("patient").agg(value=days.count())


def _single(events: Events, window: Window) -> ir.Table:
    visits = events.encounters
    within = visits.filter(visits.class_group != "inpatient", window.holds(visits.start, events.engine))
    return within.select("patient", "day")


def _of_stays(events: Events, window: Window) -> ir.Table:
    """A stay that began before the window still fills the window's days."""
    engine, stays = events.engine, events.stays
    opens, closes = engine.at(window.opens), engine.at(window.end) - INSTANT
    within = stays.filter(stays.start <= closes, stays.until >= opens)
    first = engine.local(ibis.greatest(within.start, opens), events.zone).date().cast("timestamp")
    last = engine.local(ibis.least(within.until, closes), events.zone).date().cast("timestamp")
    days = within.select("patient", day=ibis.range(first, last + DAY, DAY).unnest())
    return days.mutate(day=days.day.date())
