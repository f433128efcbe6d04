"""`personalize try`: invented patients up, the whole pipeline on them alone, shown, and all of it taken down again.

Taken down also after a failure and after Ctrl-C; after a kill, `clean` does it from what the lake has on record.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
import signal
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from service import pipeline, reporting, settings, shown
from service.catalog import Catalog, Run
from service.derive.policy import Policy
from service.engine import Kind
from service.errors import PersonalizeError, WriteRefused, WrongUsage
from service.jobs import locks
from service.lake import Lake
from service.progress import progress
from service.pull import Progress
from service.sandbox import POPULATION_AS_OF
from service.server.client import UNCONFIGURED_IN_FLIGHT, FhirServer
from service.settings import Settings, Source
from service.trial.make import make
from service.trial.people import Invented, invented
from service.trial.record import Record
from service.trial.take_down import TakenDown, take_down
from service.work import Work

MOST_PATIENTS = 50
T = TypeVar("T")
Say = Callable[[str], None]


@dataclass
class Trial:
    """What came of it; `document` is what `try --json` prints."""

    server: str
    made: Counter[str] = field(default_factory=Counter)
    run: dict[str, Any] | None = None
    deleted: Counter[str] = field(default_factory=Counter)
    left: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        left = [{"where": where, "why": why} for where, why in self.left.items()]
        return {**vars(self), "left": left}

    def took(self, down: TakenDown) -> None:
        self.deleted += down.deleted
        self.left |= down.left

    def lines(self) -> Iterator[str]:
        counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(self.deleted.items()))
        yield f"taken down: {counts or 'nothing: nothing of a trial is on record here'}"
        yield from (f"left     {where}: {why}" for where, why in self.left.items())
        if self.left:
            yield f"To try that again: personalize try {self.server} --clean"
        elif self.deleted:
            yield "Nothing of it is left that a search would find; the server's own history may remember it."


def attempt(server: str, *, sandbox: bool, patients: int, lake_dir: Path, say: Say) -> Trial:
    """WriteRefused, before anything is sent: no sandbox, or a source whose owner does not call it one."""
    config = settings.load()
    source = config.source(server)
    loopback = _allowed(source, sandbox)
    if not 1 <= patients <= MOST_PATIENTS:
        raise WrongUsage(f"--patients {patients}", do=f"make between 1 and {MOST_PATIENTS}")
    lake, trial = Lake(lake_dir).open(), Trial(server)
    with locks.held(f"try {source.url}", lake.root, config.redis()), progress() as advance, _interruptible():
        record = Record.begun(lake, f"try-{secrets.token_hex(8)}", source.url)
        own = _own(source, record.name, loopback)
        try:
            _whole_way(config, own, record, invented(patients, record.name), trial, say, advance)
        finally:
            _taken_down(own, record, trial, advance)
    return trial


def clean(server: str, *, lake_dir: Path) -> Trial:
    """What earlier trials left on this server, by what is on record in this lake."""
    config = settings.load()
    source, trial, lake = config.source(server), Trial(server), Lake(lake_dir)
    if not lake.root.is_dir():
        return trial
    with locks.held(f"try {source.url}", lake.root, config.redis()), progress() as advance:
        for record in Record.all(lake, source.url):
            _taken_down(_own(source, record.name, loopback=False), record, trial, advance)
    return trial


def _allowed(source: Source, sandbox: bool) -> bool:
    """Whether it is on this machine; elsewhere it has to be called a sandbox."""
    loopback = FhirServer(source).loopback
    if source.configured and not source.sandbox:
        raise WriteRefused(
            "this source is not said to be a sandbox, so no invented patients are put there",
            where=source.url,
            do="set sandbox = true under that source if it is one",
        )
    if not loopback and not sandbox:
        raise WriteRefused(
            "invented patients are put on another machine only when it is said to be a sandbox",
            where=source.url,
            do="add --sandbox if it is one",
        )
    return loopback


def _own(source: Source, name: str, loopback: bool) -> Source:
    """The server under the trial's name: its patients are ours, so their Patient may be written."""
    in_flight = source.in_flight if loopback else min(source.in_flight, UNCONFIGURED_IN_FLIGHT)
    ours: dict[str, Any] = {"name": name, "configured": True, "write": "patient", "in_flight": in_flight}
    return source.model_copy(update={**ours, "review": "none", "opt_out_group": "", "opt_out_tag": ""})


def _whole_way(
    config: Settings, source: Source, record: Record, people: list[Invented], trial: Trial, say: Say, advance: Progress
) -> None:
    say(f"Trial {record.name} on {source.url}")
    _with_server(source, lambda server: make(server, record, people, advance))
    trial.made = Counter(each.reference.partition("/")[0] for each in people)
    say("made     " + ", ".join(f"{count:,} {kind}" for kind, count in sorted(trial.made.items())))
    ids = [each.reference.removeprefix("Patient/") for each in people if each.reference.startswith("Patient/")]
    with Catalog.open(record.lake.catalog) as catalog:
        run = Run.starting(source.id, source.url, record.name, dt.datetime.now(dt.UTC))
        policy, computed_by = Policy.load(config.policy), Kind.of(config)
        work = Work(source, record.lake, catalog, run, policy, None, advance, computed_by)
        outcome = pipeline.run(work, as_of=POPULATION_AS_OF.date().isoformat(), only=ids, write=True)
        trial.run = shown.document(outcome)
        for line in [*_shown(outcome), "", *reporting.explain(work, _example(people)).lines(), ""]:
            say(line)


def _shown(outcome: pipeline.Outcome) -> list[str]:
    """As any run, but for how to take it back, which is done in a moment, and for how to read more."""
    beside = ("To take it back", "note     only ")
    return [line for line in shown.lines(outcome) if not line.startswith(beside)]


def _example(people: list[Invented]) -> str:
    """Somebody living, where there is one."""
    patients = [each for each in people if each.reference.startswith("Patient/")]
    return min(patients, key=lambda each: b'"deceased' in each.body).reference


def _taken_down(source: Source, record: Record, trial: Trial, advance: Progress) -> None:
    try:
        down = _with_server(source, lambda server: take_down(server, record, advance))
    except PersonalizeError as error:
        down = TakenDown(left={f"trial {record.name}": error.text})
    trial.took(down)
    if not down.left:
        record.forget()


def _with_server(source: Source, talk: Callable[[FhirServer], Awaitable[T]]) -> T:
    async def session() -> T:
        async with FhirServer(source) as server:
            return await talk(server)

    return asyncio.run(session())


@contextmanager
def _interruptible() -> Iterator[None]:
    """A polite end (SIGTERM) is taken as Ctrl-C, so that what was made is taken down."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
