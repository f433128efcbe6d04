"""Facts about ExplanationOfBenefit and ClaimResponse in; those that count out, each with the bill that it settles.

A bill is a claim that counts with all that is said about it, so that a claim and its explanation are one event, dated
as the claim. An explanation whose claim was not pulled is a bill by itself, dated by its own service; one whose claim
was pulled but does not count goes with it. What refers to a sensitive visit or claim, or bears such a label, hides all
that is said about its bill. A year back is as far as any measure of spend looks.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.windows import YEAR, window

EXPLANATION = "ExplanationOfBenefit"
DECIDED = ("complete", "partial")


def adjudications(events: Events) -> ir.Table:
    """(patient, bill, at, what, resource, id, created, active, prior): of each bill all explanations, or else all
    responses; cancelled ones too, which tell what a reversal reverses. `bill` and `what` are references."""
    engine = events.engine
    labelled = engine.materialise(_labelled(events, _known(events)))
    placed = engine.materialise(_placed(events, labelled))
    shown = engine.materialise(placed.anti_join(placed.filter("sensitive"), ["patient", "bill"]))
    own = shown.filter("active", shown.resource == EXPLANATION).select("patient", "bill").distinct()
    responses = shown.filter(shown.resource != EXPLANATION).anti_join(own, ["patient", "bill"])
    settled = shown.filter(shown.resource == EXPLANATION).union(responses)
    begun = settled.mutate(at=settled.at.min().over(group_by=["patient", "bill"]))
    year = window(YEAR, events.as_of, events.zone)
    return begun.filter(year.holds(begun.at, engine)).drop("sensitive")


def _known(events: Events) -> ir.Table:
    """For payment, decided, and not entered in error. STU3 gives an explanation no use."""
    facts = events.people.rekeyed(events.fact("adjudications"))
    active = (facts.status == "active") & facts.outcome.fill_null(DECIDED[0]).isin(DECIDED)
    known = facts.filter(facts.use.fill_null("claim") == "claim", active | (facts.status == "cancelled"))
    return known.select(
        "patient", "resource", "id", "claim", "at", "prior", "encounters", "sensitive",
        what=known.resource + "/" + known.id,
        created=ibis.coalesce(known.created, known.at),
        active=known.status == "active",
    )  # fmt: skip


def _labelled(events: Events, known: ir.Table) -> ir.Table:
    """`sensitive` also where it refers to a sensitive visit or is about a sensitive claim."""
    visits, claims = events.fact("restricted"), events.fact("restricted_claims")
    referred = known.select("what", encounter=known.encounters.unnest())
    of_visits = referred.semi_join(visits.select(encounter="Encounter/" + visits.id), "encounter").select("what")
    of_claims = known.semi_join(claims.select(claim="Claim/" + claims.id), "claim").select("what")
    hidden = of_visits.union(of_claims, distinct=True).select(hidden="what")
    joined = known.left_join(hidden, known.what == hidden.hidden)
    return joined.mutate(sensitive=joined.sensitive | joined.hidden.notnull()).drop("hidden", "encounters")


def _placed(events: Events, labelled: ir.Table) -> ir.Table:
    """With the bill, and when it was; what is about a claim that does not count is left out."""
    counting, pulled = events.claims.table, events.people.rekeyed(events.fact("claims"))
    billed = events.engine.materialise(counting.select("patient", claim="Claim/" + counting.id, claimed_at="at"))
    all_pulled = events.engine.materialise(pulled.select("patient", claim="Claim/" + pulled.id))
    dropped = all_pulled.anti_join(billed, ["patient", "claim"])
    joined = labelled.anti_join(dropped, ["patient", "claim"]).left_join(billed, ["patient", "claim"])
    placed = joined.mutate(
        bill=ibis.coalesce(joined.claim, joined.what), at=ibis.coalesce(joined.claimed_at, joined.at)
    ).drop("claim", "claimed_at", "patient_right", "claim_right")
    return placed.semi_join(_alive(events, placed), ["patient", "what"])


def _alive(events: Events, placed: ir.Table) -> ir.Table:
    joined = placed.select("patient", "what", "at").inner_join(
        events.people.roster.select("patient", "deceased_at"), "patient"
    )
    return joined.filter(joined.deceased_at.isnull() | (joined.at <= joined.deceased_at)).select("patient", "what")
