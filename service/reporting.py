"""A run's files in, what is asked about it out: rankings, equity, fragmentation, and one patient explained."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from zoneinfo import ZoneInfo

from service import derive as deriving
from service import report
from service.compose import read_edition
from service.derive.categories import Categories
from service.derive.windows import MONTH, WEEK, YEAR, window
from service.lake import read_json
from service.report.explain import patient_key
from service.reviews import Reviewing
from service.work import Work


def top(work: Work, by: str, window: str, limit: int) -> list[report.TopPatient]:
    """Who came most, or was billed most."""
    return ranking(work, by, window, limit).patients


def ranking(work: Work, by: str, window: str, limit: int, organizations: bool = False) -> report.Ranking:
    """Who came most, was billed most or had most to pay, and where that stands among all."""
    with work.engine() as engine:
        return report.top_patients(basis(work), engine, by, window, limit, organizations)


def aggregate(work: Work, by: str, window: str, organizations: bool = False) -> report.Aggregate:
    """The same of everybody, with nobody in it."""
    with work.engine() as engine:
        return report.aggregate(basis(work), engine, by, window, organizations)


def equity(work: Work, by: Sequence[str], rurality: Sequence[str] = ()) -> report.Equity:
    """Whether those equal in need are served alike."""
    with work.engine() as engine:
        return report.equity(basis(work), engine, by, rurality)


def fragmentation(work: Work, earlier: int) -> report.Fragmentation:
    """Fragmentation beside outcomes, this run and as many earlier ones of the source."""
    runs = list(islice(work.lake.profiled(work.source.id, before=work.run.run), earlier))
    with work.engine() as engine:
        return report.fragmentation(basis(work), [basis(work, run) for run in runs], engine)


def basis(work: Work, run: str | None = None) -> report.Basis:
    """What a report of this run, or of an earlier one of the same source, rests on."""
    name, source, lake = run or work.run.run, work.source.id, work.lake
    profiles = lake.profiles(source, name)
    now = dt.datetime.now(dt.UTC)
    edition = read_edition(profiles, source_id=source, installation=work.run.installation, recorded=now)
    zone = ZoneInfo(str(read_json(profiles / "profiles.json", "derive")["time_zone"]))
    return report.Basis(
        run=name,
        base=work.run.base,
        raw=lake.raw(source, name),
        facts=lake.facts(source, name),
        profiles=profiles,
        edition=edition,
        opens={code: window(code, edition.as_of, zone).opens for code in (WEEK, MONTH, YEAR)},
        limited=report.limited(lake.raw(source, name)),
    )


def explain(work: Work, patient: str) -> report.Explanation:
    """From resources to level: one patient, each number with its evidence."""
    with work.engine() as engine:
        categories = Categories.load(work.source.adjudications)
        near = deriving.nearest(work.facts, work.profiles, engine, patient_key(patient), categories)
        explanation = report.explain(work.profiles, engine, patient, near)
    on = dt.datetime.fromisoformat(explanation.as_of).astimezone(work.source.zone).date()
    reviewing = Reviewing.of(work.catalog, work.source.id, work.source.review, on)
    rules = [fired.code for fired in explanation.reasons]
    verdict = reviewing.verdict(explanation.patient, explanation.level, explanation.pathways, rules)
    return replace(explanation, review=list(verdict.lines()))
