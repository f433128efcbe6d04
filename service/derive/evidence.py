"""Events in, for each patient the resources that any published measure used out; never a sensitive one."""

from __future__ import annotations

from collections.abc import Iterator

import ibis
import ibis.expr.types as ir

from service.derive.burden import considered
from service.derive.events import Events
from service.derive.lace import leading_up
from service.derive.prevention import preventive
from service.derive.settlement import settling
from service.derive.windows import EVER, YEAR, Window, window


def evidence(events: Events, *, with_own: bool = False) -> ir.Table:
    """(patient, evidence): sorted texts such as `Claim/2`, `Encounter/1`. The year holds every shorter window.

    `with_own`: measures of the hospital's own may have used the rows of its own views.
    """
    year = window(YEAR, events.as_of, events.zone)
    visits, cancelled, claims, engine = events.encounters, events.visits.cancelled, events.claims.table, events.engine
    seen = visits.filter(visits.class_group != "inpatient", year.holds(visits.start, engine))
    called_off = cancelled.filter(year.holds(cancelled.at, engine))
    billed = claims.filter(year.holds(claims.at, engine))
    answers = events.once(settling)
    answered = answers.filter(year.holds(answers.at, engine))
    refused = events.claims.cancelled.filter(year.holds(events.claims.cancelled.at, engine))
    used = ibis.union(
        seen.select("patient", what="Encounter/" + seen.id),
        called_off.select("patient", what="Encounter/" + called_off.id),
        _of_stays(events),
        _last_preventive(events),
        leading_up(events, year),
        billed.select("patient", what="Claim/" + billed.id),
        refused.select("patient", what="Claim/" + refused.id),
        answered.select("patient", "what"),
        events.once(considered, year).select("patient", "what"),
        distinct=True,
    )
    if with_own and events.tables:
        used = used.union(*_of_own(events, year), distinct=True)
    return used.group_by("patient").agg(evidence=used.what.collect(order_by=used.what))


def _of_own(events: Events, year: Window) -> Iterator[ir.Table]:
    """Which rows such a measure used only its author knows: those of the year, or all where none says when."""
    for table in events.tables.values():
        used = table.filter(year.holds(table["at"], events.engine)) if "at" in table.columns else table
        yield used.select("patient", what="evidence").distinct()


def _of_stays(events: Events) -> ir.Table:
    """Stays that reach into the year, for their days count even when they began before it."""
    year = window(YEAR, events.as_of, events.zone)
    reaching = events.stays.filter(events.stays.until >= events.engine.at(year.opens))
    members = events.members.semi_join(reaching, ["patient", "stay"])
    return members.select("patient", what="Encounter/" + members.id)


def _last_preventive(events: Events) -> ir.Table:
    seen = preventive(events, window(EVER, events.as_of, events.zone))
    latest = seen.mutate(latest=seen.day.max().over(group_by="patient"))
    return latest.filter(latest.day == latest.latest).select("patient", what="Encounter/" + latest.id)
