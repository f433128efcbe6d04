"""Outpatient visits in; how often with which clinician, at which site and organisation, on which day and when out.

One for each of these and day: two visits to one clinician on a day are one. Visits that do not name the clinician (or
site, ...) are counted as not attributed, never given to an invented one; with fewer than 80 % attributed, or fewer than
two left, nothing is said.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.measure import LOW_ATTRIBUTION, LOW_COVERAGE, TOO_FEW
from service.derive.windows import Window

CLINICIAN, SITE, ORGANIZATION, WEEKDAY, DAY_PART = "clinician", "site", "organization", "weekday", "day-part"
# In the order in which one is preferred among equals.
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_PARTS = ("morning", "afternoon", "evening", "night")
BEGINS = {"afternoon": 12, "evening": 17, "night": 22}


def habits(events: Events, window: Window) -> ir.Table:
    """(patient, aspect, visits, attributed, unknown, n, most, squares, different, mode), the last five null if unknown.

    Of the n_i of each clinician (or site, ...): `n` their sum, `most` the largest, `squares` the sum of their squares,
    `different` their number; `mode` is whose n_i is the largest, the first in order among equals.
    """
    each = _numbers(events, window)
    named = each.who.notnull()
    whole = each.group_by("patient", "aspect").agg(
        visits=each.visits.sum(),
        attributed=each.visits.sum(where=named).fill_null(0),
        n=each.n.sum(where=named).fill_null(0),
        most=each.n.max(where=named),
        squares=(each.n * each.n).sum(where=named),
        different=each.who.count(),
        mode=each.who.first(where=named, order_by=[each.n.desc(), each.who]),
    )
    vague = ibis.cases((whole.aspect == CLINICIAN, LOW_ATTRIBUTION), else_=LOW_COVERAGE)
    unknown = ibis.cases((whole.attributed * 5 < whole.visits * 4, vague), (whole.n < 2, TOO_FEW))
    told = {name: ibis.cases((unknown.isnull(), whole[name])) for name in ("n", "most", "squares", "different", "mode")}
    return whole.select("patient", "aspect", "visits", "attributed", unknown=unknown, **told)


def of(events: Events, window: Window, aspect: str) -> ir.Table:
    table = events.once(habits, window)
    return table.filter(table.aspect == aspect)


def index(told: ir.Table, **columns: ir.Value) -> ir.Table:
    """The measure of `columns` (numerator, denominator, mode), with its coverage."""
    return told.select("patient", "unknown", coverage_numerator="attributed", coverage_denominator="visits", **columns)


def _numbers(events: Events, window: Window) -> ir.Table:
    """(patient, aspect, who, visits, n): `visits` of the year, `n` days."""
    visits = events.outpatient.filter(window.holds(events.outpatient.start, events.engine))
    aspects = {
        CLINICIAN: visits.clinician,
        SITE: visits.site,
        ORGANIZATION: visits.organization,
        WEEKDAY: ibis.cases((visits.dated, _weekday(visits.clock))),
        DAY_PART: ibis.cases((visits.timed, _day_part(visits.clock))),
    }
    long = ibis.union(
        *(visits.select("patient", "day", aspect=ibis.literal(name), who=who) for name, who in aspects.items())
    )
    return long.group_by("patient", "aspect", "who").agg(visits=long.count(), n=long.day.nunique())


def _weekday(clock: ir.TimestampValue) -> ir.StringValue:
    return clock.day_of_week.index().cast("string")


def _day_part(clock: ir.TimestampValue) -> ir.StringValue:
    """Its place in DAY_PARTS, so that the earlier one is preferred among equals."""
    begun = [clock.hour() >= BEGINS[part] for part in DAY_PARTS[1:]]
    return ibis.cases(*((begun[place - 1], str(place)) for place in (3, 2, 1)), else_="0")
