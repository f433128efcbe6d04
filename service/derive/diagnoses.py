"""Facts about diagnoses in, those that count out.

A diagnosis counts with the visit or claim that states it; a Condition counts by itself. Nothing is kept of what is
sensitive or belongs to a sensitive visit. A reference to a Condition is as good as its code where that was read.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.comorbidity import systems
from service.derive.events import Events
from service.derive.recorded import recorded

CONDITION = "Condition"


def diagnoses(events: Events) -> ir.Table:
    """(patient, at, what, concept, code, read)

    `concept` tells one diagnosis from another, in however many systems it is coded; `code` is ICD-10 without the dot,
    null in other systems; `read`: there is a code at all. `what` is the resource that states it.
    """
    stated = _stated(events)
    coded = stated.filter(~stated.referenced_only)
    every = coded.select(*COLUMNS).union(_led(events, stated).select(*COLUMNS))
    plain = every.code.upper().replace(".", "")
    return every.select(
        "patient", "at",
        what=every.resource + "/" + every.id,
        concept=ibis.coalesce(every.concept, every.condition),
        code=ibis.cases((every.system.isin(systems()), plain)),
        read=every.code.notnull(),
    )  # fmt: skip


COLUMNS = ("patient", "at", "resource", "id", "system", "code", "concept", "condition")


def of_any(events: Events) -> ir.Table:
    """One row: whether the source records any diagnosis that can be read, over all patients."""
    facts = events.of_all("diagnoses")
    return facts.agg(recorded("diagnoses", facts.code.notnull().any(), events.known))


def _stated(events: Events) -> ir.Table:
    """Of visits and claims that count, and the Conditions."""
    facts = events.people.rekeyed(events.fact("diagnoses"))
    rows = facts.inner_join(events.people.roster.select("patient", "deceased_at"), "patient")
    alive = rows.deceased_at.isnull() | (rows.at <= rows.deceased_at)
    past = rows.filter(~rows.sensitive, alive, rows.at < events.engine.at(events.as_of))
    of_visits = past.filter(past.resource == "Encounter").semi_join(events.encounters, ["patient", "id"])
    of_claims = past.filter(past.resource == "Claim").semi_join(events.claims.table, ["patient", "id"])
    conditions = past.filter(past.resource == CONDITION)
    return ibis.union(of_visits, of_claims, conditions.anti_join(_restricted(events), "encounter"))


def _led(events: Events, stated: ir.Table) -> ir.Table:
    """The references, with what the Conditions say that they lead to; without those that must not show."""
    facts = events.of_all("diagnoses")
    known = facts.filter(facts.resource == CONDITION).select(
        "system", "code", "concept", "encounter", "sensitive", condition="Condition/" + facts.id
    )
    hidden = known.filter("sensitive").union(known.semi_join(_restricted(events), "encounter")).select("condition")
    told = known.select("condition", "system", "code", "concept")
    referring = stated.filter("referenced_only").drop("system", "code", "concept")
    return referring.anti_join(hidden, "condition").left_join(told, "condition")


def _restricted(events: Events) -> ir.Table:
    return events.fact("restricted").select(encounter="Encounter/" + ibis._.id)
