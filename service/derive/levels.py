"""Measures and a policy in, each patient's level, pathways and the reasons for them out.

The deceased have neither; where visits are not exposed nothing is known, and so there is neither as well.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.catalogue import BY_CODE
from service.derive.events import Events
from service.derive.measure import NEVER_RECORDED
from service.derive.policy import AT_LEAST, OLDER, STANDARD, Policy, Rule
from service.derive.windows import months_before

DECEASED, TOO_LITTLE_DATA = "deceased", "too-little-data"
MONTHS = "mo"
REASON = "struct<code: string, measure: string, value: decimal(38, 6), date: date, unit: string, threshold: decimal(38, 6), threshold_unit: string>"  # noqa: E501


def levels(events: Events, measures: ir.Table, policy: Policy, visits_known: bool) -> ir.Table:
    """(patient, deceased, level, level_absent, pathways, rationale)"""
    engine = events.engine
    people = events.people.roster.mutate(eligible=~events.people.roster.deceased & ibis.literal(visits_known))
    eligible = people.filter("eligible").select("patient", "birth_date")
    fired = engine.materialise(_fired(events, measures.semi_join(eligible, "patient"), policy))
    levelled = engine.materialise(_levelled(eligible, fired, policy))
    pathways, reasons = _pathways(levelled, fired, policy), _reasons(fired)
    joined = people.left_join(levelled, "patient").drop("patient_right")
    joined = joined.left_join(pathways, "patient").drop("patient_right")
    joined = joined.left_join(reasons, "patient").drop("patient_right")
    absent = ibis.cases((joined.deceased, DECEASED), (~joined.eligible, TOO_LITTLE_DATA))
    return joined.select(
        "patient", "deceased", "level",
        level_absent=absent,
        pathways=ibis.coalesce(joined.pathways, ibis.literal([], "array<string>")),
        rationale=ibis.coalesce(joined.rationale, ibis.literal([], f"array<{REASON}>")),
    )  # fmt: skip


def _fired(events: Events, measures: ir.Table, policy: Policy) -> ir.Table:
    """(patient, row, reason): one row a rule that fired; `row` is the name of the level or pathway it stands under."""
    return ibis.union(*(_fires(events, measures, name, rule) for name, rule in _rules(policy)))


def _rules(policy: Policy) -> list[tuple[str, Rule]]:
    raising = [(row.name, rule) for row in policy.level for rule in row.any]
    return raising + [(row.name, rule) for row in policy.pathway for rule in row.any]


def _fires(events: Events, measures: ir.Table, name: str, rule: Rule) -> ir.Table:
    mine = measures.filter(measures.code == rule.measure)
    met = mine.filter(_compares(events, mine, rule))
    if rule.min_denominator is not None:
        met = met.filter(met.denominator >= rule.min_denominator)
    if rule.min_age_years is not None:
        roster = events.people.roster
        born_by = months_before(events.as_of.astimezone(events.zone), 12 * rule.min_age_years).date()
        met = met.semi_join(roster.filter(roster.birth_date <= born_by), "patient")
    return met.select("patient", row=ibis.literal(name), reason=_reason(met, rule))


def _compares(events: Events, measures: ir.Table, rule: Rule) -> ir.BooleanValue:
    if rule.comparator == OLDER:
        since = months_before(events.as_of.astimezone(events.zone), int(rule.threshold)).date()
        return ((measures.date < since) | (measures.unknown == NEVER_RECORDED)).fill_null(False)
    threshold = ibis.literal(rule.threshold, "decimal(38, 6)")
    return measures.value >= threshold if rule.comparator == AT_LEAST else measures.value < threshold


def _reason(measures: ir.Table, rule: Rule) -> ir.StructValue:
    unit = BY_CODE[rule.measure].unit
    return ibis.struct(
        {
            "code": ibis.literal(rule.rationale_code),
            "measure": ibis.literal(rule.measure),
            "value": measures.value,
            "date": measures.date,
            "unit": measures.unit,
            "threshold": ibis.literal(rule.threshold, "decimal(38, 6)"),
            "threshold_unit": ibis.literal(MONTHS if rule.comparator == OLDER else unit),
        }
    )


def _levelled(eligible: ir.Table, fired: ir.Table, policy: Policy) -> ir.Table:
    """The first row of the policy that fired, else standard."""
    names = [row.name for row in policy.level]
    rank = fired.row.cases(*((name, place) for place, name in enumerate(names)))
    first = fired.group_by("patient").agg(rank=rank.min())
    joined = eligible.left_join(first, "patient").drop("patient_right")
    level = joined["rank"].cases(*enumerate(names), else_=STANDARD)
    return joined.select("patient", level=level)


def _pathways(levelled: ir.Table, fired: ir.Table, policy: Policy) -> ir.Table:
    by_rule = fired.filter(fired.row.isin([row.name for row in policy.pathway])).select("patient", pathway="row")
    by_level = [
        levelled.filter(levelled.level.isin(row.levels)).select("patient", pathway=ibis.literal(row.name))
        for row in policy.pathway
        if row.levels
    ]
    every = ibis.union(by_rule, *by_level).distinct() if by_level else by_rule.distinct()
    return every.group_by("patient").agg(pathways=every.pathway.collect(order_by=every.pathway))


def _reasons(fired: ir.Table) -> ir.Table:
    """One rule may stand under a level and a pathway: it is told once."""
    told = fired.select("patient", "reason").distinct()
    reason = told.reason
    order = [reason.code, reason.measure, reason.threshold]
    return told.group_by("patient").agg(rationale=reason.collect(order_by=order))
