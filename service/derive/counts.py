"""Contacts in, numbers of visits by kind out."""

from __future__ import annotations

import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.measure import measure
from service.derive.tally import KINDS, tally
from service.derive.windows import MONTH, WEEK, YEAR, Window

EVERY = (WEEK, MONTH, YEAR)


@measure("visits", title="Visits", dimension="comprehensiveness", windows=EVERY)
def visits(events: Events, window: Window) -> ir.Table:
    """Outpatient visits, emergency contacts, stays and other visits together."""
    return _number(events, window, *KINDS)


@measure("outpatient-visits", title="Outpatient visits", dimension="comprehensiveness", windows=EVERY)
def outpatient_visits(events: Events, window: Window) -> ir.Table:
    """Encounters of class AMB, VR or HH."""
    return _number(events, window, "outpatient")


@measure("other-visits", title="Other visits", dimension="comprehensiveness", windows=EVERY)
def other_visits(events: Events, window: Window) -> ir.Table:
    """Encounters whose class is absent, local, or neither outpatient, emergency nor inpatient."""
    return _number(events, window, "other")


@measure("ed-visits", title="Emergency visits", dimension="outcomes", windows=EVERY, source="PMC5424308")
def ed_visits(events: Events, window: Window) -> ir.Table:
    """Emergency contacts: encounters of class EMER, those that led to one stay counted once."""
    return _number(events, window, "emergency")


@measure("stays", title="Hospital stays", dimension="outcomes", windows=EVERY)
def stays(events: Events, window: Window) -> ir.Table:
    """Inpatient encounters (IMP, ACUTE, NONAC), those that overlap, touch or are linked by partOf as one; without the
    stay of a newborn's birth."""
    return _number(events, window, "stay")


def _number(events: Events, window: Window, *kinds: str) -> ir.Table:
    counted = events.once(tally)
    return counted.select("patient", value=sum(counted[f"{kind}_{window.code}"] for kind in kinds))
