"""What is to be done in, whose turn it is out: one row of the catalog a patient, however often it is asked for.

A change is on record before anybody is told that it was received. Whoever claims a job holds a lease on it, and a
number that grows with each claim: a worker that was given up is refused by its number when it wants to write after all
(https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html). What is asked for while a job is under
way is due again after it. All times are those of the catalog's own clock.

Where many patients of a source are due, a worker claims several: what a run costs whoever it is about is paid once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from service.catalog import Guard
from service.errors import LeaseLost
from service.schema import database
from service.schema.clock import clock
from service.settings.jobs import Jobs
from service.tables import ended, fences, jobs

Kind = Literal["patient", "changes", "incremental", "full", "renew"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_KEY = (jobs.c.source, jobs.c.kind, jobs.c.patient)
SHARE = 4  # of the patients that are due at most a fourth, so that other workers have some as well
_INSERT: dict[str, Callable[[sa.Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True)
class Claim:
    """`patient` is `Patient/id`, empty for what is about all; `asked` how often it had been asked for."""

    source: str
    kind: Kind
    patient: str
    asked: int
    tries: int
    fence: int

    @property
    def where(self) -> sa.ColumnElement[bool]:
        """Its row for as long as nobody else has claimed it."""
        return sa.and_(_is(self.source, self.kind, self.patient), jobs.c.fence == self.fence)


@dataclass(frozen=True)
class Waiting:
    """How many are due or soon will be, under way, and set aside; `oldest`: the seconds since the first was asked."""

    waiting: int
    running: int
    aside: int
    oldest: float


class Queue:
    """Open with `Queue.open`; several threads and processes may share it."""

    def __init__(self, engine: sa.Engine, settings: Jobs) -> None:
        self._engine, self._settings = engine, settings
        self.inserting = _INSERT[engine.dialect.name]

    @classmethod
    @contextmanager
    def open(cls, path: Path, url: str | None, settings: Jobs) -> Iterator[Queue]:
        with database(path, url) as engine:
            yield cls(engine, settings)

    @property
    def engine(self) -> sa.Engine:
        return self._engine

    def ask(self, source: str, kind: Kind, patients: Iterable[str] = ("",), *, at_once: bool = False) -> int:
        """How many were put down. Each is due once nothing more is said of it for a while; `at_once` waits for nothing.

        What was set aside is tried once more: the change may have mended it.
        """
        rows = [{"source": source, "kind": kind, "patient": patient} for patient in dict.fromkeys(patients)]
        if rows:
            with self._engine.begin() as tx:
                tx.execute(self._asking(0 if at_once else self._settings.debounce), rows)
        return len(rows)

    def ask_unless_there(self, source: str, kind: Kind) -> None:
        """For what is found again at every look until it is done."""
        new = self.inserting(jobs).values(
            source=source, kind=kind, patient="", asked=1, first=clock(), due=clock(), tries=0, aside=False
        )
        with self._engine.begin() as tx:
            tx.execute(new.on_conflict_do_nothing())

    def _asking(self, wait: float) -> Any:
        now, last = clock(), jobs.c.first + self._settings.at_most
        under_way = jobs.c.fence.is_not(None)
        row: dict[str, Any] = {"source": sa.bindparam("source"), "kind": sa.bindparam("kind")}
        row["patient"] = sa.bindparam("patient")
        new = self.inserting(jobs).values(**row, asked=1, first=now, due=now + wait, tries=0, aside=False)
        again = {
            "asked": jobs.c.asked + 1,
            "first": sa.case((under_way, now), else_=jobs.c.first),
            "due": sa.case((sa.and_(~under_way, now + wait > last), last), else_=now + wait),
            "tries": sa.case((jobs.c.aside, self._settings.attempts - 1), else_=jobs.c.tries),
            "aside": False,
        }
        return new.on_conflict_do_update(index_elements=list(_KEY), set_=again)

    def claim(self, sources: Iterable[str]) -> Claim | None:
        """The one that has waited longest, ours for the length of a lease; None where nothing is due."""
        return next(iter(self.claim_some(sources, 1)), None)

    def claim_some(self, sources: Iterable[str], most: int) -> list[Claim]:
        """As `claim`; with a patient others of the same source. Who was tried before comes alone: it may be poison."""
        due = self._due(list(sources))
        with self._engine.connect() as look:
            if look.execute(due).first() is None:
                return []
        with self._engine.begin() as tx:
            fence = tx.execute(self._next_fence()).scalar_one()
            if (first := tx.execute(due).first()) is None:
                return []
            taken = self._with_others(tx, first.source, most) if first.kind == "patient" and not first.tries else due
            return [Claim(**row) for row in tx.execute(self._taking(taken, fence)).mappings()]

    def _with_others(self, tx: sa.Connection, source: str, most: int) -> sa.Select[Any]:
        due = self._due([source]).where(jobs.c.kind == "patient", jobs.c.tries == 0).limit(None)
        count = tx.execute(sa.select(sa.func.count()).select_from(due.subquery())).scalar_one()
        return due.limit(max(1, min(most, count // SHARE)))

    def _due(self, sources: list[str]) -> sa.Select[Any]:
        free = sa.or_(jobs.c.until.is_(None), jobs.c.until < clock())
        which = sa.and_(jobs.c.source.in_(sources), ~jobs.c.aside, jobs.c.due <= clock(), free)
        chosen = sa.select(*_KEY, jobs.c.tries).where(which, jobs.c.tries < self._settings.attempts)
        return chosen.order_by(jobs.c.due).limit(1)

    def _next_fence(self) -> Any:
        """Its row is locked until the claim is made, so that claims come one after the other."""
        new = self.inserting(fences).values(name="jobs", last=1)
        return new.on_conflict_do_update(index_elements=["name"], set_={"last": fences.c.last + 1}).returning(
            fences.c.last
        )

    def _taking(self, due: sa.Select[Any], fence: int) -> Any:
        now = clock()
        taken = (
            jobs.update()
            .where(sa.tuple_(*_KEY).in_(due.with_only_columns(*_KEY)))
            .values(fence=fence, until=now + self._settings.lease, tries=jobs.c.tries + 1)
        )
        return taken.returning(*_KEY, jobs.c.asked, jobs.c.tries, jobs.c.fence)

    def renew(self, claim: Claim) -> bool:
        """Whether it is ours still."""
        return self._change(claim, until=clock() + self._settings.lease)

    def guard(self, claims: Sequence[Claim]) -> Guard:
        """For the catalog: what jobs mean to write is put down only while all of them are their own."""
        ours = sa.or_(*(claim.where for claim in claims))

        def permitted(tx: sa.Connection) -> None:
            # An update and no read: it keeps others from claiming the rows until this transaction ends.
            held = tx.execute(jobs.update().where(ours).values(fence=claims[0].fence))
            if held.rowcount < len(claims):
                raise LeaseLost("another worker has taken this job over", do="nothing: it will be done there")

        return permitted

    def done(self, claim: Claim) -> None:
        """Gone, unless it was asked for again meanwhile; of who was taken over nothing changes."""
        with self._engine.begin() as tx:
            if tx.execute(jobs.delete().where(claim.where, jobs.c.asked == claim.asked)).rowcount == 0:
                tx.execute(jobs.update().where(claim.where).values(until=None, fence=None, tries=0, said=None))

    def failed(self, claim: Claim, said: str) -> bool:
        """Tried again later, or set aside after the last try; whether it was."""
        last = claim.tries >= self._settings.attempts
        wait = self._settings.backoff * 2 ** (claim.tries - 1)
        self._change(claim, until=None, fence=None, said=said, aside=last, due=clock() + wait)
        return last

    def put_off(self, claim: Claim, said: str, seconds: float) -> None:
        """Through no fault of its own: it counts as no try."""
        self._change(claim, until=None, fence=None, said=said, tries=claim.tries - 1, due=clock() + seconds)

    def _change(self, claim: Claim, **values: object) -> bool:
        with self._engine.begin() as tx:
            return tx.execute(jobs.update().where(claim.where).values(**values)).rowcount > 0

    def set_aside_the_deadly(self) -> int:
        """Those whose worker ended without a word at the last try: they may be what ended it."""
        over = sa.and_(jobs.c.until < clock(), jobs.c.tries >= self._settings.attempts, ~jobs.c.aside)
        with self._engine.connect() as look:
            if look.execute(sa.select(jobs.c.kind).where(over).limit(1)).first() is None:
                return 0
        said = f"its worker ended without a word, {self._settings.attempts} times"
        with self._engine.begin() as tx:
            return tx.execute(jobs.update().where(over).values(aside=True, until=None, fence=None, said=said)).rowcount

    def retry(self, source: str, patient: str | None = None) -> int:
        """How many that were set aside are due again, at once and as if never tried."""
        which = sa.and_(jobs.c.source == source, jobs.c.aside)
        if patient is not None:
            which = sa.and_(which, jobs.c.patient == patient)
        again = {"aside": False, "tries": 0, "due": clock(), "said": None}
        with self._engine.begin() as tx:
            return tx.execute(jobs.update().where(which).values(**again)).rowcount

    def aside(self, source: str) -> list[dict[str, Any]]:
        """Kind, patient, tries and what was said of each that was set aside."""
        chosen = sa.select(jobs.c.kind, jobs.c.patient, jobs.c.tries, jobs.c.said)
        chosen = chosen.where(jobs.c.source == source, jobs.c.aside).order_by(jobs.c.kind, jobs.c.patient)
        with self._engine.connect() as look:
            return [dict(row) for row in look.execute(chosen).mappings()]

    def count(self, claim: Claim, how: str) -> None:
        """One more that ended so, for whoever is asked how it stands: the worker may be gone by then."""
        new = self.inserting(ended).values(source=claim.source, kind=claim.kind, how=how, count=1)
        with self._engine.begin() as tx:
            again = {"count": ended.c.count + 1}
            tx.execute(new.on_conflict_do_update(index_elements=["source", "kind", "how"], set_=again))

    def ended(self, source: str) -> list[tuple[str, str, int]]:
        """Kind, how it ended, and how many of these there were since the catalog was made."""
        chosen = sa.select(ended.c.kind, ended.c.how, ended.c.count).where(ended.c.source == source)
        with self._engine.connect() as look:
            return [(row.kind, row.how, int(row[2])) for row in look.execute(chosen)]

    def counts(self, source: str) -> Waiting:
        running = sa.and_(jobs.c.until.is_not(None), jobs.c.until >= clock())
        asked = sa.select(
            sa.func.count().filter(~jobs.c.aside, ~sa.func.coalesce(running, False)),
            sa.func.count().filter(~jobs.c.aside, running),
            sa.func.count().filter(jobs.c.aside),
            sa.func.coalesce(clock() - sa.func.min(jobs.c.first), 0.0),
        ).where(jobs.c.source == source)
        with self._engine.connect() as look:
            waiting, at_work, aside, oldest = look.execute(asked).one()
        return Waiting(waiting, at_work, aside, max(0.0, float(oldest)))


def _is(source: str, kind: str, patient: str) -> sa.ColumnElement[bool]:
    return sa.and_(jobs.c.source == source, jobs.c.kind == kind, jobs.c.patient == patient)
