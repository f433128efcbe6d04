"""Contacts in, whether need rises out."""

from __future__ import annotations

import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.measure import TOO_FEW, measure, ratio
from service.derive.tally import KINDS, RECENT_DAYS, tally
from service.derive.windows import YEAR, Window

DAYS_IN_A_YEAR = 365


@measure("rising-need", title="Rising need", dimension="proactivity", windows=(YEAR,), absent=TOO_FEW)
def rising_need(events: Events, window: Window) -> ir.Table:
    """Visits in the last 90 days / (visits in the year x 90/365): 1 when they come evenly, more when they become more.
    The numerator is the visits of the 90 days, the denominator those of the year. No visit in the year: unknown."""
    seen = events.once(tally)
    visits = sum(seen[f"{kind}_{window.code}"] for kind in KINDS)
    counted = seen.select("patient", numerator="recent", denominator=visits)
    counted = counted.filter(counted.denominator > 0)
    value = ratio(counted.numerator * DAYS_IN_A_YEAR, counted.denominator * RECENT_DAYS)
    return counted.mutate(value=value)
