"""The newest runs of a source in, the file that reads are answered from out; what changed later is put into it.

Built beside its place and moved there whole. Resources go through it one after the other, so that memory stays as it is
however many patients there are.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import msgspec
import sqlalchemy as sa

import service
from service import shelves
from service.catalog import Catalog, Run
from service.compose import composed, read_edition
from service.compose.canonical import RATIONALE_CODES
from service.compose.release import release_of
from service.compose.reviewed import reviewed
from service.compose.rows import read
from service.errors import LakeProblem
from service.facade.store.profile import Shown, milliseconds, resources
from service.facade.store.reports import Reports
from service.facade.store.runs import layers
from service.jobs import locks
from service.lake import Lake, committed_file, folder, read_json
from service.reviews import Reviewing
from service.settings import Source
from service.shelves.transactions import transaction
from service.tables import reviews

TOGETHER = 500  # patients a commit: a reader beside it never waits long


@dataclass(frozen=True)
class Making:
    """`whole`: Patients as the source gave them; `reports` makes lists of a run, where any are asked for."""

    lake: Lake
    catalog: Catalog
    source: Source
    whole: bool
    reports: Reports
    now: Callable[[], dt.datetime]

    @property
    def target(self) -> Path:
        return self.lake.served(self.source.id)

    def refresh(self) -> bool:
        """Whether anything had changed since the file was made. LakeProblem where there is nothing to serve yet."""
        runs = layers(self.catalog, self.lake, self.source.id)
        if not runs:
            self.target.unlink(missing_ok=True)  # what was undone is not served any more
            raise LakeProblem("nothing was planned or applied here yet", where=self.source.id, do="run it first")
        with locks.held(f"served-{folder(self.source.id)}", self.lake.root):
            stood, stand = self._stood(), [self._mark(run) for run in runs]
            if stood is None or stood.made != self._made() or stand[: len(stood.layers)] != stood.layers:
                self._anew(runs, stand)
                return True
            return self._added(runs, stand, stood)

    def _stood(self) -> Stood | None:
        if not self.target.is_file():
            return None
        with closing(shelves.connect(self.target, read_only=True)) as connection:
            told = shelves.told(connection)
        return Stood(str(told["made"]), json.loads(told["layers"]), int(told["reviewed"]))

    def _made(self) -> str:
        """What else the file depends on: other code, or other settings, make another one."""
        return json.dumps([shelves.FORMAT, service.__version__, self.whole, list(self.reports.by), self.source.review])

    def _mark(self, run: Run) -> str:
        """Derived again, a run has other profiles under the same name."""
        return f"{run.run} {(self._profiles(run) / 'profiles.parquet').stat().st_mtime_ns}"

    def _profiles(self, run: Run) -> Path:
        return self.lake.profiles(run.source, run.run)

    def _anew(self, runs: list[Run], stand: list[str]) -> None:
        with committed_file(self.target) as part:
            part.unlink()
            with closing(shelves.connect(part)) as connection:
                part.chmod(0o600)
                connection.execute("PRAGMA synchronous = OFF")  # it is on the disk before it is moved to its place
                shelves.create(connection)
                self._fill(connection, runs)
                shelves.tell(connection, made=self._made(), layers=json.dumps(stand), key=secrets.token_bytes(32))
                shelves.tell(connection, build=secrets.token_hex(8), fhir=self._fhir_version(runs[-1]))
                # The last thing: nobody could have read it before that moment.
                shelves.tell(connection, published=str(milliseconds(self.now())))

    def _fill(self, connection: sqlite3.Connection, runs: list[Run]) -> None:
        shelves.tell(connection, reviewed=str(self._newest_review()))
        for run in runs:
            self._run(connection, run)
        with transaction(connection):
            for kept in self.reports.of(runs[0], release_of(self._fhir_version(runs[0]))):
                shelves.Writing(connection).put(kept)

    def _added(self, runs: list[Run], stand: list[str], stood: Stood) -> bool:
        newer, decided = runs[len(stood.layers) :], self._decided(stood.reviewed)
        if not newer and not decided:
            return False
        newest = self._newest_review()
        with closing(shelves.connect(self.target)) as connection:
            for run in newer:
                self._run(connection, run, at=self.now)
            for run in runs if decided else ():
                self._run(connection, run, only=decided, at=self.now)
            shelves.tell(connection, layers=json.dumps(stand), reviewed=str(newest))
        return True

    def _run(
        self,
        connection: sqlite3.Connection,
        run: Run,
        only: Collection[str] | None = None,
        at: Callable[[], dt.datetime] | None = None,
    ) -> None:
        """The profiles of a run, or of some of its patients, in place of those that stand; `at` tells when."""
        with self._patients(connection, run) as raw:
            shown = self._shown(run, raw)
            reviewing = Reviewing.of(self.catalog, run.source, self.source.review, shown.edition.as_of.date())
            writing = shelves.Writing(connection)
            rows = (reviewed(row, reviewing) for row in read(self._profiles(run), only=only))
            while some := list(islice(rows, TOGETHER)):
                updated = milliseconds(at()) if at else None
                with transaction(connection):
                    for row in some:
                        writing.drop_patient(row.patient)
                        for kept in resources(row, composed(row, shown.edition), shown, updated):
                            writing.put(kept)

    def _shown(self, run: Run, raw: Callable[[str], bytes | None]) -> Shown:
        edition = read_edition(
            self._profiles(run),
            source_id=run.source,
            installation=run.installation,
            recorded=dt.datetime.fromisoformat(run.started),
            fhir_version=self._fhir_version(run),
        )
        words = edition.displays.get(RATIONALE_CODES, {})
        return Shown(run.run, run.base, edition, raw if self.whole else None, lambda code: words.get(code, code))

    def _fhir_version(self, run: Run) -> str:
        return str(read_json(self.lake.raw(run.source, run.run) / "manifest.json", "pull")["fhir_version"])

    @contextmanager
    def _patients(self, connection: sqlite3.Connection, run: Run) -> Iterator[Callable[[str], bytes | None]]:
        """The lines of a pull by their id; kept by SQLite in a file of its own, for they may be many."""
        connection.execute("CREATE TEMP TABLE pulled (id TEXT PRIMARY KEY, line BLOB)")
        if self.whole:
            file = self.lake.raw(run.source, run.run) / "Patient.ndjson"
            with file.open("rb") as lines, transaction(connection):
                by_id = ((_head.decode(line).id, line.rstrip(b"\n")) for line in lines)
                connection.executemany("INSERT OR REPLACE INTO pulled VALUES (?, ?)", by_id)

        def line_of(identifier: str) -> bytes | None:
            found = connection.execute("SELECT line FROM pulled WHERE id = ?", (identifier,)).fetchone()
            return found[0] if found else None

        try:
            yield line_of
        finally:
            connection.execute("DROP TABLE pulled")

    def _newest_review(self) -> int:
        with self.catalog.engine.connect() as tx:
            return tx.execute(sa.select(sa.func.max(reviews.c.id))).scalar() or 0

    def _decided(self, since: int) -> list[str]:
        """Patients about whom a person decided after the review with that number."""
        chosen = sa.select(reviews.c.patient).where(reviews.c.source == self.source.id, reviews.c.id > since)
        with self.catalog.engine.connect() as tx:
            return sorted(set(tx.execute(chosen).scalars()))


@dataclass(frozen=True)
class Stood:
    """What the file that is there was made from."""

    made: str
    layers: list[str]
    reviewed: int


class _Head(msgspec.Struct):
    id: str = ""


_head = msgspec.json.Decoder(_Head)
