"""Settings in, one run on one source out: what every stage of it is told."""

from __future__ import annotations

import datetime as dt
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from service import pull as pulling
from service.catalog import Catalog, Run
from service.derive.own import OwnMeasures
from service.derive.policy import Policy
from service.engine import DUCKDB, Engine, Kind
from service.flatten.own import OwnViews
from service.lake import Lake
from service.server.stated import Statements
from service.settings import Own, Settings, Source, WriteRung

NOTHING_OF_THEIR_OWN = Own()


@dataclass(frozen=True)
class Work:
    """One run on one source: where its files lie, by which policy, how far it was asked to write."""

    source: Source
    lake: Lake
    catalog: Catalog
    run: Run
    policy: Policy
    asked: WriteRung | None
    progress: pulling.Progress = lambda _stage, _count: None
    computed_by: Kind = DUCKDB
    own: Own = NOTHING_OF_THEIR_OWN
    statements: Statements = field(default_factory=Statements)

    @classmethod
    def of(cls, config: Settings, source: Source, lake: Lake, catalog: Catalog, run: Run | None = None) -> Work:
        """As the settings say, and nothing else was asked; a new run unless one is named."""
        run = run or Run.starting(source.id, source.url, config.installation, dt.datetime.now(dt.UTC))
        policy = Policy.load(config.policy)
        return cls(source, lake, catalog, run, policy, None, computed_by=Kind.of(config), own=config.own)

    def engine(self) -> AbstractContextManager[Engine]:
        """What computes a stage, with the lake's own room to spill."""
        return Engine.open(self.lake.spill, self.computed_by, about=pulling.lines(self.raw))

    def composer(self) -> AbstractContextManager[Engine | None]:
        """An engine that composes beside this process; None where this process does."""
        return self.engine() if self.computed_by.has_executors else nullcontext()

    @cached_property
    def views(self) -> OwnViews:
        """The hospital's own, of facts."""
        return OwnViews.read(self.own.folder)

    @cached_property
    def measures(self) -> OwnMeasures:
        return OwnMeasures.load(self.own.folder, self.own.system, self.views.types)

    @property
    def raw(self) -> Path:
        return self.lake.raw(self.source.id, self.run.run)

    @property
    def facts(self) -> Path:
        return self.lake.facts(self.source.id, self.run.run)

    @property
    def profiles(self) -> Path:
        return self.lake.profiles(self.source.id, self.run.run)
