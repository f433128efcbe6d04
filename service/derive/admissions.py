"""Hospital stays in, nights in hospital and acute stays out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.measure import ACUITY_NOT_RECORDED, LOW_COVERAGE, measure
from service.derive.windows import YEAR, Window


@measure("inpatient-days", title="Nights in hospital", dimension="outcomes", unit="d", windows=(YEAR,))
def inpatient_days(events: Events, window: Window) -> ir.Table:
    """Nights of stays within the window: the local date of the end less that of the start, both clipped to the window;
    a stay that begins and ends on one day has none, one that goes on lasts to as_of. Stays that do not say when they
    ended are not counted; with fewer than 80 % counted it is unknown."""
    engine, stays = events.engine, events.stays
    opens, closes = engine.at(window.opens), engine.at(window.end)
    within = stays.filter(stays.start < closes, stays.until >= opens)
    first = engine.local(ibis.greatest(within.start, opens), events.zone).date()
    last = engine.local(ibis.least(within.until, closes), events.zone).date()
    nights = within.mutate(nights=last.delta(first, unit="day"), told=within.ended | within.going_on)
    sums = nights.group_by("patient").agg(
        nights=nights.nights.sum(where=nights.told), told=nights.count(where=nights.told), stays=nights.count()
    )
    enough = sums.told * 5 >= sums.stays * 4
    return sums.select(
        "patient",
        value=ibis.cases((enough, sums.nights)),
        coverage_numerator="told",
        coverage_denominator="stays",
        unknown=ibis.cases((~enough, LOW_COVERAGE)),
    )


@measure("acute-stays", title="Acute hospital stays", dimension="outcomes", windows=(YEAR,))
def acute_stays(events: Events, window: Window) -> ir.Table:
    """Stays that began in emergency (an emergency encounter that belongs to the stay and began no later), whose
    admission source is `emd`, or of class ACUTE. A source that never says any of these leaves it unknown for whoever
    had a stay."""
    stays = events.once(judged)
    within = stays.filter(window.holds(stays.start, events.engine))
    counted = within.group_by("patient", "acuity_known").agg(acute=within.count(where=within.acute))
    return counted.select(
        "patient",
        value=ibis.cases((counted.acuity_known, counted.acute)),
        unknown=ibis.cases((~counted.acuity_known, ACUITY_NOT_RECORDED)),
    )


def judged(events: Events) -> ir.Table:
    """The stays, with the local dates `first` and `last`, `acute`, and `acuity_known`: the source says so of any."""
    stays, arrivals, engine = events.stays, events.arrivals, events.engine
    earliest = arrivals.group_by("patient", "stay").agg(arrived=arrivals.start.min())
    joined = stays.left_join(earliest, ["patient", "stay"]).drop("patient_right", "stay_right")
    judged = joined.cross_join(events.visits.says.select(acuity_known="acuity"))
    return judged.mutate(
        first=engine.local(judged.start, events.zone).date(),
        last=engine.local(judged.until, events.zone).date(),
        acute=judged.said_acute | (judged.arrived <= judged.start).fill_null(False),
    )


def last_stay(events: Events, window: Window) -> ir.Table:
    """Of each patient the last stay that began in the window."""
    stays = events.once(judged)
    within = stays.filter(window.holds(stays.start, events.engine))
    latest = within.mutate(latest=within.stay.max().over(group_by="patient"))
    return latest.filter(latest.stay == latest.latest).drop("latest")
