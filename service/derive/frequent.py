"""Emergency contacts in, whether they are frequent, and when in the day and the week they were, out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.measure import LOW_COVERAGE, TOO_FEW, measure
from service.derive.tally import tally
from service.derive.windows import YEAR, Window

FREQUENT = 4


@measure(
    "ed-frequent", title="Frequent emergency visits", dimension="outcomes", windows=(YEAR,),
    source="PMC5424308: >= 4, the lowest of the published cut-offs; others are 7-17 and >= 18",
)  # fmt: skip
def ed_frequent(events: Events, window: Window) -> ir.Table:
    """1 with at least 4 emergency contacts, else 0; the numerator is their number."""
    seen = _emergency(events, window)
    return seen.select("patient", numerator="visits", value=(seen.visits >= FREQUENT).ifelse(1, 0))


@measure("ed-after-hours", title="Emergency visits out of hours", dimension="stress", windows=(YEAR,), absent=TOO_FEW)
def ed_after_hours(events: Events, window: Window) -> ir.Table:
    """The share of emergency contacts that began outside 08:00-18:00, Monday to Friday, local time; weekends are out of
    hours. N >= 2. Unknown where fewer than 80 % say at which hour they began."""
    seen = _emergency(events, window)
    few, vague = seen.visits < 2, seen.timed * 5 < seen.visits * 4
    unknown = ibis.cases((few, TOO_FEW), (vague | (seen.timed < 2), LOW_COVERAGE))
    return seen.select(
        "patient",
        numerator=ibis.cases((unknown.isnull(), seen.after_hours)),
        denominator=ibis.cases((unknown.isnull(), seen.timed)),
        coverage_numerator="timed",
        coverage_denominator="visits",
        unknown=unknown,
    )


@measure("ed-weekend", title="Emergency visits at weekends", dimension="stress", windows=(YEAR,), absent=TOO_FEW)
def ed_weekend(events: Events, window: Window) -> ir.Table:
    """The share of emergency contacts that began on a Saturday or Sunday, local time. N >= 2."""
    seen = _emergency(events, window)
    enough = seen.filter(seen.visits >= 2)
    return enough.select("patient", numerator="weekend", denominator="visits")


def _emergency(events: Events, window: Window) -> ir.Table:
    table = events.once(tally)
    return table.select("patient", "timed", "after_hours", "weekend", visits=f"emergency_{window.code}")
