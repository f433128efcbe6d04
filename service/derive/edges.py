"""Facts and two instants in; the patient records with an event that some window's edge moved over between them out.

One derived anew for nothing costs time, one forgotten is wrong: what lies within two days of the way counts as passed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from service.derive.policy import Policy
from service.derive.readmissions import DAYS as FOLLOW_UP
from service.derive.rules import OLDER, Condition
from service.derive.tally import RECENT_DAYS
from service.derive.visits import OPEN
from service.derive.windows import MONTH, WEEK, YEAR, days_before, months_before, window
from service.engine import Engine

MARGIN = timedelta(days=2)


def passed_records(
    facts: Path, before: datetime, after: datetime, zone: ZoneInfo, policy: Policy, engine: Engine
) -> ir.Table:
    """(patient)"""
    if before == after:
        return engine.load([], {"patient": "string"})
    clocks = (before.astimezone(zone), after.astimezone(zone))
    spans = _spans(facts, engine, max(clocks))
    passed = _within(spans, [_edges(clock, zone, policy) for clock in clocks], engine)
    patients = engine.read_parquet(facts / "patients.parquet")
    day = patients.birth_date.cast("timestamp")
    births = patients.select("patient", start=day, end=day)
    came_of_age = _within(births, [_birthdays(clock, policy) for clock in clocks], engine)
    return engine.materialise(passed.union(came_of_age, distinct=True))


def _edges(clock: datetime, zone: ZoneInfo, policy: Policy) -> list[datetime]:
    """Where the measures and the policy look from: a new kind of edge stands here as well."""
    months = [int(each.threshold) for each in _conditions(policy) if each.comparator == OLDER]
    return [
        clock,
        *(window(code, clock, zone).opens for code in (WEEK, MONTH, YEAR)),
        *(days_before(clock, days, zone) for days in (RECENT_DAYS, FOLLOW_UP)),
        *(months_before(clock, number) for number in months),
    ]


def _birthdays(clock: datetime, policy: Policy) -> list[datetime]:
    ages = [rule.min_age_years for row in policy.rows for rule in row.any if rule.min_age_years]
    return [months_before(clock, 12 * age) for age in ages]


def _conditions(policy: Policy) -> Iterator[Condition]:
    for rule in (rule for row in policy.rows for rule in row.any):
        yield rule
        yield from rule.provided


def _within(spans: ir.Table, edges: list[list[datetime]], engine: Engine) -> ir.Table:
    """`edges` before and after, each the same in number and order."""
    ways = [(min(pair) - MARGIN, max(pair) + MARGIN) for pair in zip(*edges, strict=True)]
    crossed = [(spans.start <= engine.at(end)) & (spans.end >= engine.at(start)) for start, end in ways]
    return spans.filter(ibis.or_(*crossed) if crossed else ibis.literal(False)).select("patient")


def _spans(facts: Path, engine: Engine, last: datetime) -> ir.Table:
    """(patient, start, end): every visit while it lasts, and every moment that any other fact has."""
    visits = engine.read_parquet(facts / "visits.parquet")
    goes_on = ibis.cases((visits.status.isin(OPEN), engine.at(last + MARGIN)), else_=visits.start)
    lasting = visits.select("patient", "part_of", "start", end=ibis.coalesce(visits.end, goes_on))
    # A stay of visits that are linked lasts from the first to the last, whatever lies between.
    whole = lasting.group_by("patient").having(lasting.part_of.notnull().any())
    tables = [engine.read_parquet(path) for path in sorted(facts.glob("*.parquet"))]
    moments = [
        table.select("patient", start="at", end="at") for table in tables if {"patient", "at"} <= set(table.columns)
    ]
    spans = [lasting.drop("part_of"), whole.agg(start=lasting.start.min(), end=lasting.end.max()), *moments]
    kind = "timestamp(6)"
    return ibis.union(*(each.select("patient", start=each.start.cast(kind), end=each.end.cast(kind)) for each in spans))
