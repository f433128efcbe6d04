"""What was set aside in; out, of whom nothing that a measure needs can be used although the server holds some of it."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.measure import ADJUDICATED, Family
from service.derive.settlement import billed_by_explanations

VISITS, CLAIMS = ("Encounter",), ("Claim",)
MONEY = ("Claim", "ExplanationOfBenefit", "ClaimResponse")
NEVER_MEANT = ("planned", "draft", "entered-in-error")
OURS = (*VISITS, *MONEY, "Patient", "Condition")
COLUMNS = {"patient": "string", "code": "string"}


def unknowable(events: Events, families: list[Family]) -> ir.Table:
    """(patient, code): all that the server holds for this measure was set aside, which is not that there is none."""
    nobody = events.engine.load([], COLUMNS)
    aside = events.engine.materialise(events.people.rekeyed(events.fact("unusable").drop("source")))
    return ibis.union(
        nobody, *(_hidden(events, aside, families, needs) for needs in sorted({each.needs for each in families}))
    )


def _hidden(events: Events, aside: ir.Table, families: list[Family], needs: str) -> ir.Table:
    codes = [{"code": code} for family in families if family.needs == needs for code in family.codes]
    types = _types(events, needs)
    usable = ibis.union(*(events.people.rekeyed(_usable(events, each)) for each in types))
    blank = aside.filter(aside.resource.isin(types)).select("patient").distinct().anti_join(usable, "patient")
    return blank.cross_join(events.engine.load(codes, {"code": "string"}))


def _types(events: Events, needs: str) -> tuple[str, ...]:
    """Any of which tells something. Without a claim that could be used nobody knows what was to be adjudicated."""
    if needs == "Claim" and not billed_by_explanations(events):
        return CLAIMS
    if needs in ("Claim", ADJUDICATED):
        return MONEY
    return tuple(needs.split(" or ")) if needs not in OURS else VISITS


def _usable(events: Events, resource: str) -> ir.Table:
    if resource in VISITS:
        rows = events.fact("visits")
    elif resource in CLAIMS:
        rows = events.fact("claims")
    elif resource not in MONEY:
        return _usable_of_own(events, resource)
    else:
        rows = events.fact("adjudications").filter(ibis._.resource == resource)
    return rows.filter(rows.status.notin(NEVER_MEANT)).select("patient")


def _usable_of_own(events: Events, resource: str) -> ir.Table:
    """Whoever has a row in one of the hospital's own tables of that type."""
    tables = [table.filter(table.evidence.startswith(f"{resource}/")) for table in events.tables.values()]
    return ibis.union(events.engine.load([], {"patient": "string"}), *(table.select("patient") for table in tables))
