"""Visits in, with how many sites, clinicians, organisations and servers a patient had to do out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.measure import LOW_COVERAGE, measure
from service.derive.windows import YEAR, Window


@measure("sites", title="Sites", dimension="comprehensiveness", windows=(YEAR,))
def sites(events: Events, window: Window) -> ir.Table:
    """Distinct places (Encounter.location) of visits of any kind; the denominator is the visits that name one."""
    return _distinct(events, window, "site")


@measure("clinicians", title="Clinicians", dimension="comprehensiveness", windows=(YEAR,))
def clinicians(events: Events, window: Window) -> ir.Table:
    """Distinct clinicians of visits of any kind; the denominator is the visits that name one."""
    return _distinct(events, window, "clinician")


@measure("organizations", title="Organisations", dimension="comprehensiveness", windows=(YEAR,))
def organizations(events: Events, window: Window) -> ir.Table:
    """Distinct organisations (Encounter.serviceProvider) of visits of any kind; the denominator is the visits that name
    one."""
    return _distinct(events, window, "organization")


@measure("sources", title="Source servers", dimension="comprehensiveness", windows=(YEAR,))
def sources(events: Events, window: Window) -> ir.Table:
    """Distinct servers that hold visits of any kind."""
    return _distinct(events, window, "source")


def _distinct(events: Events, window: Window, what: str) -> ir.Table:
    """Without visits none; unknown where there are visits and fewer than 80 % name one."""
    seen = events.once(_breadth, window)
    named = seen[f"{what}_named"]
    enough = named * 5 >= seen.visits * 4
    return seen.select(
        "patient",
        value=ibis.cases((enough, seen[what])),
        denominator=ibis.cases((enough, named)),
        coverage_numerator=named,
        coverage_denominator="visits",
        unknown=ibis.cases((~enough, LOW_COVERAGE)),
    )


def _breadth(events: Events, window: Window) -> ir.Table:
    kinds = ("site", "clinician", "organization", "source")
    single = events.encounters.filter(events.encounters.class_group != "inpatient")
    columns = ("patient", "start", *kinds)
    visits = single.select(*columns).union(events.members.select(*columns))
    within = visits.filter(window.holds(visits.start, events.engine))
    return within.group_by("patient").agg(
        visits=within.count(),
        **{kind: within[kind].nunique() for kind in kinds},
        **{f"{kind}_named": within[kind].count() for kind in kinds},
    )
