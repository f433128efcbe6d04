"""The catalog: a small SQL database in the lake. Which runs there were, and what each wrote where."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from service.errors import LakeProblem

_tables = sa.MetaData()

runs = sa.Table(
    "runs",
    _tables,
    sa.Column("run", sa.String, primary_key=True),
    sa.Column("source", sa.String, nullable=False),
    sa.Column("base", sa.String, nullable=False),
    sa.Column("installation", sa.String, nullable=False),
    sa.Column("started", sa.String, nullable=False),
    sa.Column("stage", sa.String, nullable=False),
)

written = sa.Table(
    "written",
    _tables,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run", sa.String, nullable=False, index=True),
    sa.Column("patient", sa.String),
    sa.Column("resource", sa.String, nullable=False),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("version", sa.String),
    sa.Column("before", sa.LargeBinary),
    sa.Column("after", sa.LargeBinary),
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


@dataclass(frozen=True)
class Write:
    """One resource of ours (or the extension on one Patient) as a run wrote it.

    `before` and `after` are JSON: the whole resource, or for a Patient the extension alone; None where there was or is
    nothing. `state` is intended (sent, no answer seen), done, failed or undone; `version` the server's after the write.
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
    """Open with `Catalog.open(path)`; each method is one transaction."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Catalog]:
        path.touch(mode=0o600)
        engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
        sa.event.listen(engine, "connect", _durable)
        try:
            _tables.create_all(engine)
            yield cls(engine)
        except sa.exc.DatabaseError as error:
            raise LakeProblem(
                f"the catalog cannot be used: {error.orig}", where=str(path), do="restore it from a backup"
            ) from error
        finally:
            engine.dispose()

    def begin(self, source: str, base: str, installation: str, now: dt.datetime) -> Run:
        """A new run, named by its start so that names sort by time."""
        stamp = now.astimezone(dt.UTC)
        run = Run(stamp.strftime("%Y%m%dT%H%M%S%fZ"), source, base, installation, stamp.isoformat(), "begun")
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

    def intend(self, writes: Iterable[Write]) -> list[int]:
        """Recorded before it is sent, so that a kill loses no trace of it."""
        with self._engine.begin() as tx:
            insert = written.insert().returning(written.c.id)
            return [tx.execute(insert.values(**_columns(write))).scalar_one() for write in writes]

    def settle(self, states: Iterable[tuple[int, str, str | None]]) -> None:
        """(id, state, version) of writes whose answer was seen."""
        with self._engine.begin() as tx:
            for key, state, version in states:
                tx.execute(written.update().where(written.c.id == key).values(state=state, version=version))

    def writes(self, run: str, states: Iterable[str] = ("intended", "done")) -> list[Write]:
        chosen = sa.select(written).where(written.c.run == run, written.c.state.in_(list(states)))
        with self._engine.connect() as tx:
            return [Write(**row) for row in tx.execute(chosen.order_by(written.c.id)).mappings()]

    def _one(self, query: sa.Select[tuple[object, ...]]) -> Run | None:
        with self._engine.connect() as tx:
            row = tx.execute(query).mappings().first()
        return Run(**row) if row else None


def _columns(write: Write) -> dict[str, object]:
    return {name: value for name, value in vars(write).items() if name != "id"}


def _durable(connection: object, _record: object) -> None:
    """Readers beside a writer, and a commit that survives a crash of the process."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()
