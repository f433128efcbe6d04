"""Emergency visits and stays in, emergency contacts out.

Emergency encounters that belong to one and the same stay are one contact, dated at the earliest: those that are part
of it (partOf), overlap or touch it, and the last one that ended at most 24 hours before it at the same organisation. An
organisation that is not recorded is not the same as another. Every other emergency encounter is a contact of its own:
who was sent home in the morning and came back at night came twice.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.engine import Engine

BEFORE_ADMISSION = ibis.interval(hours=24)
LEAD_IN = 2  # the place of what times alone suggest among the grounds below


def contacts(visits: ir.Table, arrivals: ir.Table) -> ir.Table:
    """(patient, at, timed, stay): `stay` is the one that the contact belongs to, or null."""
    emergency = visits.filter(visits.class_group == "emergency")
    joined = emergency.left_join(arrivals, ["patient", "id"])
    own = ibis.cases((joined.stay.isnull(), joined.id))
    grouped = joined.group_by("patient", "stay", own=own).agg(
        at=joined.start.min(), timed=joined.timed.argmin(joined.start)
    )
    return grouped.select("patient", "at", "timed", "stay")


def arrivals(visits: ir.Table, members: ir.Table, stays: ir.Table, engine: Engine) -> ir.Table:
    """(patient, id, stay, start): the emergency encounters that belong to a stay, and when each began."""
    emergency = visits.filter(visits.class_group == "emergency")
    attached = engine.materialise(_of_a_stay(emergency, members, stays))
    return attached.inner_join(emergency.select("patient", "id", "start"), ["patient", "id"])


def _of_a_stay(emergency: ir.Table, members: ir.Table, stays: ir.Table) -> ir.Table:
    """(patient, id, stay): what is said outright goes before what times suggest; of several the earliest stay."""
    grounds = (_linked(emergency, members), _overlapping(emergency, stays), _shortly_before(emergency, members, stays))
    pairs = ibis.union(*(pair.mutate(trust=ibis.literal(place)) for place, pair in enumerate(grounds)))
    order = ibis.window(group_by=["patient", "id"], order_by=["trust", "stay"])
    ranked = pairs.mutate(place=ibis.row_number().over(order))
    belongs = ranked.filter(ranked.place == 0).inner_join(emergency.select("patient", "id", "until"), ["patient", "id"])
    latest = ibis.window(group_by=["patient", "stay", "trust"], order_by=[ibis.desc("until"), "id"])
    lead = belongs.mutate(lead=ibis.row_number().over(latest))
    return lead.filter((lead.trust != LEAD_IN) | (lead.lead == 0)).select("patient", "id", "stay")


def _linked(emergency: ir.Table, members: ir.Table) -> ir.Table:
    tops = members.select("patient", "admission", "stay").distinct()
    return emergency.inner_join(tops, ["patient", "admission"]).select("patient", "id", "stay")


def _overlapping(emergency: ir.Table, stays: ir.Table) -> ir.Table:
    meets = [emergency.patient == stays.patient, emergency.start <= stays.until, emergency.until >= stays.start]
    return emergency.inner_join(stays, meets).select("patient", "id", "stay")


def _shortly_before(emergency: ir.Table, members: ir.Table, stays: ir.Table) -> ir.Table:
    admitting = members.inner_join(stays.select("patient", "stay", "start"), ["patient", "stay", "start"])
    leads = [
        emergency.patient == admitting.patient,
        emergency.organization == admitting.organization,
        emergency.until <= admitting.start,
        emergency.until >= admitting.start - BEFORE_ADMISSION,
    ]
    return emergency.inner_join(admitting, leads).select("patient", "id", "stay")
