"""The catalog: a small SQL database, the lake's own or shared. Which runs there were, what each planned, and wrote."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

import sqlalchemy as sa

from service.schema import database
from service.tables import aside, found, names, plans, runs, watermarks, written

STANDING = ("intended", "done")

Guard = Callable[[sa.Connection], None]

# Built once: these run for every patient written.
_INTEND = written.insert().returning(written.c.id, sort_by_parameter_order=True)
_SETTLE = (
    written.update()
    .where(written.c.id == sa.bindparam("key"))
    .values(state=sa.bindparam("now"), version=sa.bindparam("made"))
)


@dataclass(frozen=True)
class Run:
    """One run on one source; `stage` is the last one that finished."""

    run: str
    source: str
    base: str
    installation: str
    started: str
    stage: str

    @classmethod
    def starting(cls, source: str, base: str, installation: str, now: dt.datetime) -> Run:
        """Named by its start, so that names sort by time."""
        stamp = now.astimezone(dt.UTC)
        return cls(stamp.strftime("%Y%m%dT%H%M%S%fZ"), source, base, installation, stamp.isoformat(), "begun")


@dataclass(frozen=True)
class Write:
    """One resource of ours (or the extension on one Patient) as a run wrote it.

    `before` is JSON: the whole resource, or for a Patient the extension and its place in the array. `after` is the same
    for a Patient, and of any other resource its fingerprint. None is nothing. `state` is intended (to be sent, no
    answer seen), done, failed or undone; `version` the server's after the write.
    """

    run: str
    patient: str | None
    resource: str
    action: str
    before: bytes | None = None
    after: bytes | None = None
    version: str | None = None
    state: str = "intended"
    id: int = 0


class Catalog:
    """Open with `Catalog.open(path)`; each method is one transaction. `intend` may be called beside the others."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._answered: deque[dict[str, object]] = deque()
        self._recording = RLock()
        self._guards: list[Guard] = []

    @classmethod
    @contextmanager
    def open(cls, path: Path, url: str | None = None) -> Iterator[Catalog]:
        """The one at `url` where several machines share it, else that in the lake."""
        with database(path, url) as engine:
            catalog = cls(engine)
            try:
                yield catalog
            finally:
                catalog.flush()

    def under(self, guard: Guard) -> None:
        """From here on nothing is meant to be written unless `guard` lets it pass, in the same transaction."""
        self._guards.append(guard)

    @property
    def engine(self) -> sa.Engine:
        """For what has tables and questions of its own."""
        self.flush()
        return self._engine

    def begin(self, run: Run) -> Run:
        """From here on the run is known by its name."""
        with self._engine.begin() as tx:
            tx.execute(runs.insert().values(**vars(run)))
        return run

    def reached(self, run: str, stage: str) -> None:
        with self._engine.begin() as tx:
            tx.execute(runs.update().where(runs.c.run == run).values(stage=stage))

    def run(self, name: str) -> Run | None:
        return self._one(sa.select(runs).where(runs.c.run == name))

    def latest(self, source: str, stages: Iterable[str]) -> Run | None:
        """The newest run of a source that got as far as one of `stages`."""
        wanted = sa.select(runs).where(runs.c.source == source, runs.c.stage.in_(list(stages)))
        return self._one(wanted.order_by(runs.c.run.desc()).limit(1))

    def planned(self, run: str, digest: str) -> None:
        """The plan of a run, by the digest of its file; it takes the place of an earlier plan."""
        with self._engine.begin() as tx:
            tx.execute(plans.delete().where(plans.c.run == run))
            tx.execute(plans.insert().values(run=run, digest=digest, state="planned"))

    def plan_digest(self, run: str) -> str | None:
        with self.engine.connect() as tx:
            return tx.execute(sa.select(plans.c.digest).where(plans.c.run == run)).scalar()

    def applying(self, run: str) -> None:
        self._carried(run, "applying")

    def applied(self, run: str) -> None:
        self._carried(run, "applied")

    def _carried(self, run: str, state: str) -> None:
        with self._engine.begin() as tx:
            tx.execute(plans.update().where(plans.c.run == run).values(state=state))

    def finished(self, run: str) -> dict[str, int]:
        """Of a run whose apply was interrupted, how many resources of each patient are done; else of nobody.

        What was answered before the interruption need not be read again. A plan that was carried out to its end, and
        is applied once more, takes nothing for granted.
        """
        counted = sa.select(written.c.patient, sa.func.count(written.c.resource.distinct()))
        counted = counted.join(plans, plans.c.run == written.c.run).where(plans.c.state == "applying")
        counted = counted.where(written.c.run == run, written.c.patient.is_not(None), written.c.state == "done")
        with self.engine.connect() as tx:
            return {str(patient): int(count) for patient, count in tx.execute(counted.group_by(written.c.patient))}

    def interrupted(self, source: str) -> list[str]:
        """Runs on a source whose apply began and never ended, and of which something stands."""
        chosen = sa.select(plans.c.run).join(runs, runs.c.run == plans.c.run)
        chosen = chosen.where(runs.c.source == source, plans.c.state == "applying").order_by(plans.c.run)
        with self.engine.connect() as tx:
            return [run for run in tx.execute(chosen).scalars() if self.patients(run)]

    def intend(self, writes: Iterable[Write]) -> list[int]:
        """Recorded before it is sent, so that a kill loses no trace of it."""
        rows = [_columns(write) for write in writes]
        with self._recording, self._engine.begin() as tx:
            for permitted in self._guards:
                permitted(tx)
            self._settle_in(tx)
            return list(tx.execute(_INTEND, rows).scalars()) if rows else []

    def settle(self, states: Iterable[tuple[int, str, str | None]], *, soon: bool = False) -> None:
        """(id, state, version) of writes whose answer was seen.

        `soon` is with the next intent, before anything is read, or at the end: a kill before that leaves an intent
        without an answer, which is read from the server like any other.
        """
        self._answered += [{"key": key, "now": state, "made": version} for key, state, version in states]
        if not soon:
            self.flush()

    def flush(self) -> None:
        with self._recording:
            if self._answered:
                with self._engine.begin() as tx:
                    self._settle_in(tx)

    def _settle_in(self, tx: sa.Connection) -> None:
        """Those answered by now; more of them may come meanwhile."""
        if answered := [self._answered.popleft() for _ in range(len(self._answered))]:
            tx.execute(_SETTLE, answered)

    def writes(self, run: str, patient: str | None, states: Iterable[str] = STANDING) -> list[Write]:
        """What a run wrote about one patient, oldest first; None for what is about no patient."""
        own = written.c.patient == patient if patient else written.c.patient.is_(None)
        chosen = sa.select(written).where(written.c.run == run, own, written.c.state.in_(list(states)))
        with self.engine.connect() as tx:
            return [Write(**row) for row in tx.execute(chosen.order_by(written.c.id)).mappings()]

    def acknowledged(self, run: str) -> Iterator[Write]:
        """What a run wrote and was answered for, oldest first."""
        chosen = sa.select(written).where(written.c.run == run, written.c.state == "done").order_by(written.c.id)
        with self.engine.connect() as tx:
            for row in tx.execute(chosen).mappings():
                yield Write(**row)

    def patients(self, run: str, states: Iterable[str] = STANDING) -> list[str]:
        """The patients about whom a run wrote, or meant to."""
        chosen = sa.select(written.c.patient).distinct()
        chosen = chosen.where(written.c.run == run, written.c.patient.is_not(None), written.c.state.in_(list(states)))
        with self.engine.connect() as tx:
            return list(tx.execute(chosen.order_by(written.c.patient)).scalars())

    def unanswered(self, source: str, base: str) -> list[Write]:
        """Intents of all runs on a source at this address whose answer was never seen, oldest first."""
        return self._on(source, base, written.c.state == "intended")

    def about(self, source: str, base: str, resource: str) -> list[Write]:
        """Every write to one resource of a source at this address, whatever came of it, oldest first."""
        return self._on(source, base, written.c.resource == resource)

    def _on(self, source: str, base: str, which: sa.ColumnElement[bool]) -> list[Write]:
        chosen = sa.select(written).join(runs, runs.c.run == written.c.run)
        chosen = chosen.where(runs.c.source == source, runs.c.base == base, which)
        with self.engine.connect() as tx:
            return [Write(**row) for row in tx.execute(chosen.order_by(written.c.id)).mappings()]

    def find_out(self, source: str, base: str, what: str, said: str | None, at: dt.datetime) -> None:
        """That a server does not do `what`, whatever it states; None takes that back."""
        where = (found.c.source == source, found.c.base == base, found.c.what == what)
        with self._engine.begin() as tx:
            tx.execute(found.delete().where(*where))
            if said is not None:
                tx.execute(found.insert().values(source=source, base=base, what=what, said=said, at=at.isoformat()))

    def found_out(self, source: str, base: str, since: dt.datetime) -> dict[str, str]:
        """What a server turned out not to do, with its words; what was found before `since` is tried again."""
        chosen = sa.select(found.c.what, found.c.said, found.c.at).where(found.c.source == source, found.c.base == base)
        with self.engine.connect() as tx:
            return {what: said for what, said, at in tx.execute(chosen) if dt.datetime.fromisoformat(at) >= since}

    def read_until(self, source: str, base: str, run: str, marks: Mapping[str, str]) -> None:
        """Up to which moment of the server's clock a run holds each type; what earlier runs hold counts no more."""
        rows = [{"source": source, "base": base, "type": name, "run": run, "at": at} for name, at in marks.items()]
        with self._engine.begin() as tx:
            tx.execute(watermarks.delete().where(watermarks.c.source == source, watermarks.c.base == base))
            if rows:
                tx.execute(watermarks.insert(), rows)

    def marks(self, source: str, base: str) -> tuple[str, dict[str, dt.datetime]] | None:
        """The run that holds the source, and by type up to which moment of the server's clock."""
        chosen = sa.select(watermarks).where(watermarks.c.source == source, watermarks.c.base == base)
        with self.engine.connect() as tx:
            rows = list(tx.execute(chosen))
        if not rows:
            return None
        return rows[0].run, {row.type: dt.datetime.fromisoformat(row.at) for row in rows}

    def read_whole_again(self, source: str) -> None:
        """The next pull follows none: what the lake holds was changed by ourselves."""
        with self._engine.begin() as tx:
            tx.execute(watermarks.delete().where(watermarks.c.source == source))

    def name(self, source: str, base: str, ours: str, theirs: str | None) -> None:
        """Under which id a server keeps what we call `ours`; None when it keeps it no more."""
        with self._engine.begin() as tx:
            tx.execute(names.delete().where(names.c.source == source, names.c.base == base, names.c.ours == ours))
            if theirs is not None:
                tx.execute(names.insert().values(source=source, base=base, ours=ours, theirs=theirs))

    def named(self, source: str, base: str) -> dict[str, str]:
        """`Type/id` by our name -> by the server's."""
        chosen = sa.select(names.c.ours, names.c.theirs).where(names.c.source == source, names.c.base == base)
        with self.engine.connect() as tx:
            return {row.ours: row.theirs for row in tx.execute(chosen)}

    def set_aside(self, run: str, patient: str, why: str | None) -> None:
        """A patient whom a run could not write about; None when that is mended."""
        with self._engine.begin() as tx:
            tx.execute(aside.delete().where(aside.c.run == run, aside.c.patient == patient))
            if why is not None:
                tx.execute(aside.insert().values(run=run, patient=patient, why=why))

    def aside(self, run: str) -> dict[str, str]:
        """Who is set aside, and why."""
        chosen = sa.select(aside.c.patient, aside.c.why).where(aside.c.run == run).order_by(aside.c.patient)
        with self.engine.connect() as tx:
            return {row.patient: row.why for row in tx.execute(chosen)}

    def runs_standing(self, source: str, base: str) -> list[str]:
        """Runs on a source at this address with anything about a patient that is not taken back."""
        chosen = sa.select(written.c.run).distinct().join(runs, runs.c.run == written.c.run)
        chosen = chosen.where(
            runs.c.source == source,
            runs.c.base == base,
            written.c.patient.is_not(None),
            written.c.state.in_(list(STANDING)),
        )
        with self.engine.connect() as tx:
            return list(tx.execute(chosen.order_by(written.c.run)).scalars())

    def _one(self, query: sa.Select[tuple[object, ...]]) -> Run | None:
        with self.engine.connect() as tx:
            row = tx.execute(query).mappings().first()
        return Run(**row) if row else None


def _columns(write: Write) -> dict[str, object]:
    return {name: value for name, value in vars(write).items() if name != "id"}
