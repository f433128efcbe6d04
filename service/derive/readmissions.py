"""Hospital stays in, how many were followed by another within 30 days out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.admissions import judged
from service.derive.events import Events
from service.derive.measure import NO_INDEX_STAY, measure
from service.derive.windows import YEAR, Window

DAYS = 30
# http://terminology.hl7.org/CodeSystem/discharge-disposition, and UB-04 patient discharge status
DIED, AGAINST_ADVICE, TRANSFERRED = ("exp", "20"), ("aadvice", "07"), ("other-hcf", "02")


@measure(
    "readmissions-30d", title="Readmissions within 30 days", dimension="outcomes", windows=(YEAR,),
    absent=NO_INDEX_STAY, source="simplified from CMS hospital-wide readmission, all-cause",
)  # fmt: skip
def readmissions(events: Events, window: Window) -> ir.Table:
    """Index stays followed by a stay that begins at most 30 days (local dates) after their end / index stays, at most
    one each. An index stay begins in the window and is over; a readmission can be one itself. No index: died (exp,
    UB-04 20), left against advice (aadvice, 07), transferred (other-hcf, 02, or admitted to another organisation the
    same or next day), or fewer than 30 days from its end to as_of."""
    stays = _followed(events)
    as_of = events.as_of.astimezone(events.zone).date()
    elsewhere = (stays.gap <= 1) & (stays.left != stays.entered_next)
    index = stays.filter(
        window.holds(stays.start, events.engine),
        stays.ended,
        ~stays.died,
        ~stays.disposition.isin(DIED + AGAINST_ADVICE + TRANSFERRED).fill_null(False),
        ~elsewhere.fill_null(False),
        ibis.date(as_of).delta(stays["last"], unit="day") >= DAYS,
    )
    return index.group_by("patient").agg(numerator=index.count(where=index.gap <= DAYS), denominator=index.count())


def _followed(events: Events) -> ir.Table:
    """The stays, with the days to the next one, and the organisation where that began."""
    stays = events.once(judged)
    order = ibis.window(group_by="patient", order_by="stay")
    return stays.mutate(
        gap=stays["first"].lead().over(order).delta(stays["last"], unit="day"),
        entered_next=stays.entered.lead().over(order),
    )
