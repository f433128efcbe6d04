"""The cron expressions of sources in, what they make due put into the queue; once, whoever of several looks first."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa
from cronsim import CronSim

from service.jobs.queue import Kind, Queue
from service.schema.clock import clock
from service.settings import Source
from service.subscriptions.forms import HEARTBEAT
from service.subscriptions.kept import Kept
from service.tables import schedules

SILENCE = 3 * HEARTBEAT
SCHEDULED: tuple[tuple[Kind, str], ...] = (
    ("full", "full_at"),
    ("incremental", "incremental_at"),
    ("changes", "changes_at"),
)


def look(queue: Queue, sources: Iterable[Source]) -> None:
    """What was missed while nobody looked is made up for once."""
    with queue.engine.connect() as connection:
        now = float(connection.execute(sa.select(clock())).scalar_one())
        known = {(row.source, row.kind): row for row in connection.execute(sa.select(schedules))}
    for source, kind, cron in _wanted(sources):
        row = known.get((source.id, kind))
        if row is None or row.cron != cron:
            _set(queue, source, kind, cron, now)
        elif row.next <= now and _advanced(queue, source, kind, cron, row.next, now):
            queue.ask(source.id, kind, at_once=True)


def look_after(queue: Queue, sources: Sequence[Source]) -> None:
    """Subscriptions that near their end; and those that promised to be heard of and were not."""
    left = Kept(queue.engine).ends_in()
    for silent in Kept(queue.engine).fallen_silent(SILENCE):
        queue.ask_unless_there(silent, "changes")
    for source in sources:
        if left.get(source.id, math.inf) < source.notify_days * 86_400 / 2:
            queue.ask_unless_there(source.id, "renew")


def following(cron: str, source: Source, now: float) -> float:
    """When it is due next, by the source's clock on the wall."""
    return next(CronSim(cron, dt.datetime.fromtimestamp(now, source.zone))).timestamp()


def _wanted(sources: Iterable[Source]) -> Iterator[tuple[Source, Kind, str]]:
    for source in sources:
        for kind, setting in SCHEDULED:
            if cron := getattr(source, setting):
                yield source, kind, cron


def _set(queue: Queue, source: Source, kind: Kind, cron: str, now: float) -> None:
    """Newly written in the settings, or changed there."""
    with queue.engine.begin() as tx:
        tx.execute(schedules.delete().where(schedules.c.source == source.id, schedules.c.kind == kind))
        tx.execute(
            queue.inserting(schedules)
            .values(source=source.id, kind=kind, cron=cron, next=following(cron, source, now))
            .on_conflict_do_nothing()
        )


def _advanced(queue: Queue, source: Source, kind: Kind, cron: str, was: float, now: float) -> bool:
    """Whether it was us who moved it on: who comes second finds another time there."""
    same = (schedules.c.source == source.id, schedules.c.kind == kind, schedules.c.next == was)
    with queue.engine.begin() as tx:
        moved = tx.execute(schedules.update().where(*same).values(next=following(cron, source, now)))
        return moved.rowcount > 0
