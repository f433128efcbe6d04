"""Contacts in, how many of which kind within which time out: one row a patient, read by all measures that count."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.windows import MONTH, WEEK, YEAR, days_before, window

KINDS = ("outpatient", "emergency", "stay", "other")
RECENT_DAYS = 90
OPENS, CLOSES = 8, 18  # office hours, on the clock of the source
SATURDAY = 5


def tally(events: Events) -> ir.Table:
    """(patient, <kind>_<window> each, cancelled_p1y, recent, timed, after_hours, weekend): every patient has a row.

    `recent`: contacts of any kind in the last 90 days; `timed` to `weekend`: of the emergency contacts of the year.
    """
    contacts = _within_a_year(events)
    counts = {
        f"{kind}_{code}": contacts.count(where=(contacts.kind == kind) & contacts[code])
        for kind in KINDS
        for code in (WEEK, MONTH, YEAR)
    }
    emergency = contacts.kind == "emergency"
    off_hours = contacts.weekend | (contacts.hour < OPENS) | (contacts.hour >= CLOSES)
    return contacts.group_by("patient").agg(
        **counts,
        cancelled_p1y=contacts.count(where=contacts.kind == "cancelled"),
        recent=contacts.count(where=contacts.kind.isin(KINDS) & contacts.recent),
        timed=contacts.count(where=emergency & contacts.timed),
        after_hours=contacts.count(where=emergency & contacts.timed & off_hours),
        weekend=contacts.count(where=emergency & contacts.weekend),
    )


def _within_a_year(events: Events) -> ir.Table:
    """Contacts and cancelled visits, and of each patient a row of no kind, so that who has none is counted as well."""
    engine, year = events.engine, window(YEAR, events.as_of, events.zone)
    contacts = events.contacts.select("patient", "kind", "at", "timed")
    cancelled = events.visits.cancelled.select("patient", "at", kind=ibis.literal("cancelled"), timed=True)
    every = contacts.union(cancelled.select(*contacts.columns))
    within = every.filter(year.holds(every.at, engine))
    clock = engine.local(within.at, events.zone)
    starts = {code: window(code, events.as_of, events.zone).opens for code in (WEEK, MONTH)}
    placed = within.select(
        "patient", "kind", "timed",
        **{code: within.at >= engine.at(start) for code, start in starts.items()},
        **{YEAR: True},
        recent=within.at >= engine.at(days_before(events.as_of, RECENT_DAYS, events.zone)),
        hour=clock.hour(),
        weekend=clock.day_of_week.index() >= SATURDAY,
    )  # fmt: skip
    nobody = {name: ibis.null(dtype) for name, dtype in placed.schema().items() if name != "patient"}
    return placed.union(events.people.roster.select("patient", **nobody))
