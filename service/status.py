"""A catalog and a queue in, how each source stands out: last run, freshness, what waits or was set aside, who tells."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from service.catalog import Catalog
from service.jobs.queue import Queue
from service.pipeline import STAGES
from service.settings import Source
from service.subscriptions.kept import Kept
from service.tables import schedules

Told = dict[str, Any]


def status(catalog: Catalog, queue: Queue, sources: Sequence[Source], now: dt.datetime) -> list[Told]:
    """A source each. `fresh` is the age in seconds of what the newest complete pull read; None where there is none."""
    return [_of(source, catalog, queue, now) for source in sources]


def _of(source: Source, catalog: Catalog, queue: Queue, now: dt.datetime) -> Told:
    last = catalog.latest(source.id, ["begun", *STAGES])
    aside = catalog.aside(last.run) if last else {}
    return {
        "source": source.id,
        "last_run": {"run": last.run, "stage": last.stage, "started": last.started} if last else None,
        "interrupted": catalog.interrupted(source.id),
        "fresh": _fresh(source, catalog, now),
        "patients_set_aside": len(aside),
        "queue": vars(queue.counts(source.id)),
        "jobs_set_aside": queue.aside(source.id),
        "schedules": _schedules(source, queue),
        "subscriptions": [_told(each) for each in Kept(queue.engine).of(source.id, source.url)],
    }


def _fresh(source: Source, catalog: Catalog, now: dt.datetime) -> float | None:
    held = catalog.marks(source.id, source.url)
    return round((now - min(held[1].values())).total_seconds(), 1) if held else None


def _schedules(source: Source, queue: Queue) -> dict[str, str]:
    chosen = sa.select(schedules).where(schedules.c.source == source.id).order_by(schedules.c.kind)
    with queue.engine.connect() as look:
        return {row.kind: _moment(row.next) for row in look.execute(chosen)}


def _told(each: Any) -> Told:
    called = None if each.called is None else _moment(each.called)
    return {"criteria": each.criteria, "state": each.state, "ends": _moment(each.ends), "called": called}


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")


def lines(told: Sequence[Told]) -> Iterator[str]:
    for each in told:
        yield each["source"]
        last, waits = each["last_run"], each["queue"]
        yield f"  last run   {last['run']}, as far as {last['stage']}" if last else "  last run   none"
        yield "  fresh      " + ("never read whole" if each["fresh"] is None else f"{each['fresh']:,.0f} s ago")
        yield f"  queue      {waits['waiting']:,} waiting, {waits['running']:,} under way, {waits['aside']:,} set aside"
        yield f"  set aside  {each['patients_set_aside']:,} patients of the last run"
        for job in each["jobs_set_aside"]:
            yield f"    {job['kind']} {job['patient']}: {job['said']}"
        for run in each["interrupted"]:
            yield f"  run {run} was interrupted: finish it with `personalize apply`, or take it back"
        for kind, moment in each["schedules"].items():
            yield f"  next       {kind} at {moment}"
        for told_by in each["subscriptions"]:
            yield f"  told by    {told_by['criteria']}: {told_by['state']}, until {told_by['ends']}"
