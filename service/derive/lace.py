"""Hospital stays, emergency contacts and diagnoses in, LACE of the last stay out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.admissions import last_stay
from service.derive.burden import STAY, burden
from service.derive.events import Events
from service.derive.measure import ACUITY_NOT_RECORDED, NO_STAY, NOT_ENDED, measure
from service.derive.windows import YEAR, Window

ACUTE = 3
LENGTHS = ((14, 7), (7, 5), (4, 4), (3, 3), (2, 2), (1, 1))  # from so many days on, points
VISITS_AT_MOST = 4
BEFORE = ibis.interval(months=6)


@measure(
    "lace", title="LACE index", dimension="outcomes", windows=(YEAR,), absent=NO_STAY,
    source="van Walraven 2010, PMC2845681; comorbidity weights of Schneeweiss 2003, ICD-10 by Quan 2005",
)  # fmt: skip
def lace(events: Events, window: Window) -> ir.Table:
    """Of the last stay that began in the window, 0 to 19 points. Length in days (local dates): below 1 none, 1, 2 and 3
    themselves, 4-6 four, 7-13 five, from 14 seven; acute three; comorbidity of the 12 months to its end, 4 and more
    five; emergency contacts in the 6 months before, without the one that led to the stay, at most four."""
    stays = events.once(last_stay, window)
    joined = stays.inner_join(burden(events, window, STAY), "patient").left_join(_emergencies(events, stays), "patient")
    unknown = ibis.cases(
        (~joined.ended, NOT_ENDED),
        (~joined.acuity_known, ACUITY_NOT_RECORDED),
        else_=joined.unknown,
    )
    return joined.select(
        "patient",
        unknown=unknown,
        value=ibis.cases((unknown.isnull(), _points(joined))),
        coverage_numerator="mapped",
        coverage_denominator="stated",
    )


def _points(joined: ir.Table) -> ir.IntegerValue:
    days = joined["last"].delta(joined["first"], unit="day")
    length = ibis.cases(*((days >= least, points) for least, points in LENGTHS), else_=0)
    burdened = (joined.schneeweiss >= 4).ifelse(5, joined.schneeweiss)
    return length + joined.acute.ifelse(ACUTE, 0) + burdened + ibis.least(joined.visits.fill_null(0), VISITS_AT_MOST)


def _emergencies(events: Events, stays: ir.Table) -> ir.Table:
    contacts = events.contacts.filter(events.contacts.kind == "emergency").select("patient", "at", led_to="stay")
    joined = contacts.inner_join(stays.select("patient", "stay", "start"), "patient")
    other = (joined.led_to != joined.stay).fill_null(True)
    before = joined.filter(joined.at < joined.start, joined.at >= joined.start - BEFORE, other)
    return before.group_by("patient").agg(visits=before.count())


def leading_up(events: Events, window: Window) -> ir.Table:
    """(patient, what): the emergency encounters that count for the last stay, which may lie before the window."""
    stays = events.once(last_stay, window).select("patient", admitted="start")
    joined = events.encounters.inner_join(stays, "patient").filter(ibis._.class_group == "emergency")
    before = joined.filter(joined.start < joined.admitted, joined.start >= joined.admitted - BEFORE)
    return before.select("patient", what="Encounter/" + before.id)
