"""Measures and a policy in, each patient's level, pathways and the reasons for them out.

The deceased have neither; of whom the number of visits is unknown nothing is, and so there is neither as well.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.compose.absent import DECEASED, TOO_LITTLE_DATA
from service.derive.events import Events
from service.derive.measure import NEVER_RECORDED
from service.derive.needs import needs
from service.derive.policy import Policy
from service.derive.rules import AT_LEAST, COUNT, OLDER, STANDARD, VALUE, Condition, Rule
from service.derive.windows import months_before

VISITS = "visits-p1y"
NUMBER = "decimal(38, 6)"
REASON = f"struct<code: string, measure: string, value: {NUMBER}, date: date, unit: string, threshold: {NUMBER}, threshold_unit: string>"  # noqa: E501


def levels(events: Events, measures: ir.Table, policy: Policy) -> ir.Table:
    """(patient, deceased, level, level_absent, pathways, rationale)"""
    engine = events.engine
    counted = measures.filter(measures.code == VISITS, measures.unknown.isnull()).select(counted="patient")
    roster = events.people.roster.left_join(counted, events.people.roster.patient == counted.counted)
    people = engine.materialise(roster.mutate(eligible=~roster.deceased & roster.counted.notnull()).drop("counted"))
    eligible = engine.materialise(people.filter("eligible"))
    fired = engine.materialise(_fired(events, measures.semi_join(eligible, "patient"), policy))
    levelled = engine.materialise(_levelled(eligible, fired, policy))
    pathways, reasons = _pathways(levelled, fired, needs(eligible, policy.languages), policy), _reasons(fired)
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
    return ibis.union(*(_fires(events, measures, row.name, rule) for row in policy.rows for rule in row.any))


def _fires(events: Events, measures: ir.Table, name: str, rule: Rule) -> ir.Table:
    met = _met(events, measures, rule)
    if rule.instead:
        met = met.union(_met_instead(events, measures, rule))
    for condition in rule.provided:
        met = met.semi_join(_met(events, measures, condition), "patient")
    if rule.min_age_years is not None:
        roster = events.people.roster
        born_by = months_before(events.as_of.astimezone(events.zone), 12 * rule.min_age_years).date()
        met = met.semi_join(roster.filter(roster.birth_date <= born_by), "patient")
    return met.select("patient", row=ibis.literal(name), reason=_reason(met, rule))


def _met(events: Events, measures: ir.Table, condition: Condition) -> ir.Table:
    """(patient, measure, value, date, unit) of those of whom it holds."""
    number = measures[condition.of]
    mine = measures.filter(measures.code == condition.measure, _compares(events, measures, condition))
    if condition.unit and condition.of == VALUE and condition.comparator != OLDER:
        mine = mine.filter(mine.unit == condition.unit)
    unit = mine.unit if condition.of == VALUE else ibis.literal(COUNT)
    return mine.select("patient", measure="code", value=number.cast(NUMBER), date="date", unit=unit)


def _met_instead(events: Events, measures: ir.Table, rule: Rule) -> ir.Table:
    """By the other measure, for those of whom the rule's own is unknown."""
    unknown = measures.filter(measures.code == rule.measure, measures.unknown.notnull())
    other = rule.model_copy(update={"measure": rule.instead})
    return _met(events, measures, other).semi_join(unknown, "patient")


def _compares(events: Events, measures: ir.Table, condition: Condition) -> ir.BooleanValue:
    if condition.comparator == OLDER:
        since = months_before(events.as_of.astimezone(events.zone), int(condition.threshold)).date()
        return ((measures.date < since) | (measures.unknown == NEVER_RECORDED)).fill_null(False)
    number, threshold = measures[condition.of], ibis.literal(condition.threshold, NUMBER)
    return number >= threshold if condition.comparator == AT_LEAST else number < threshold


def _reason(met: ir.Table, rule: Rule) -> ir.StructValue:
    return ibis.struct(
        {
            "code": ibis.literal(rule.rationale_code),
            "measure": met.measure,
            "value": met.value,
            "date": met.date,
            "unit": met.unit,
            "threshold": ibis.literal(rule.threshold, NUMBER),
            "threshold_unit": ibis.literal(rule.in_unit),
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


def _pathways(levelled: ir.Table, fired: ir.Table, needed: ir.Table, policy: Policy) -> ir.Table:
    by_rule = fired.filter(fired.row.isin([row.name for row in policy.pathway])).select("patient", pathway="row")
    by_level = [
        levelled.filter(levelled.level.isin(row.levels)).select("patient", pathway=ibis.literal(row.name))
        for row in policy.pathway
        if row.levels
    ]
    by_need = [
        needed.filter(needed.need.isin(row.recorded)).select("patient", pathway=ibis.literal(row.name))
        for row in policy.pathway
        if row.recorded
    ]
    every = ibis.union(by_rule, *by_level, *by_need, distinct=True) if by_level or by_need else by_rule.distinct()
    return every.group_by("patient").agg(pathways=every.pathway.collect(order_by=every.pathway))


def _reasons(fired: ir.Table) -> ir.Table:
    """One rule may stand under a level and a pathway: it is told once."""
    told = fired.select("patient", "reason").distinct()
    reason = told.reason
    order = [reason.code, reason.measure, reason.threshold]
    return told.group_by("patient").agg(rationale=reason.collect(order_by=order))
