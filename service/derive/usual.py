"""Outpatient visits in; the usual clinician, site, day of the week and part of the day out, with share and number."""

from __future__ import annotations

import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.habits import CLINICIAN, DAY_PART, DAY_PARTS, SITE, WEEKDAY, WEEKDAYS, index, of
from service.derive.measure import TOO_FEW, measure
from service.derive.windows import YEAR, Window


@measure("usual-clinician", title="Usual clinician", dimension="relationship", windows=(YEAR,), absent=TOO_FEW)
def usual_clinician(events: Events, window: Window) -> ir.Table:
    """The clinician of most outpatient visits, the smallest reference among equals, and their share; N >= 2."""
    seen = of(events, window, CLINICIAN)
    return _share(seen, seen.mode)


@measure("usual-site", title="Usual site", dimension="relationship", windows=(YEAR,), absent=TOO_FEW)
def usual_site(events: Events, window: Window) -> ir.Table:
    """The place of most outpatient visits, the smallest reference among equals, and its share; N >= 2."""
    seen = of(events, window, SITE)
    return _share(seen, seen.mode)


@measure("usual-weekday", title="Usual day of the week", dimension="relationship", windows=(YEAR,), absent=TOO_FEW)
def usual_weekday(events: Events, window: Window) -> ir.Table:
    """The day of the week of most days with outpatient visits, the first from Monday among equals, and its share;
    visits dated to a month or a year only do not say it; N >= 2."""
    seen = of(events, window, WEEKDAY)
    return _share(seen, _named(seen.mode, WEEKDAYS))


@measure("usual-day-part", title="Usual part of the day", dimension="relationship", windows=(YEAR,), absent=TOO_FEW)
def usual_day_part(events: Events, window: Window) -> ir.Table:
    """When most outpatient visits begin, local time: morning (before 12:00), afternoon (12:00-17:00), evening
    (17:00-22:00) or night, the earliest among equals, and its share; one for each part and day; visits without a time
    do not say it; N >= 2."""
    seen = of(events, window, DAY_PART)
    return _share(seen, _named(seen.mode, DAY_PARTS))


def _share(seen: ir.Table, mode: ir.StringValue) -> ir.Table:
    return index(seen, numerator=seen.most, denominator=seen.n, mode=mode)


def _named(place: ir.StringValue, names: tuple[str, ...]) -> ir.StringValue:
    return place.cases(*((str(number), name) for number, name in enumerate(names)))
