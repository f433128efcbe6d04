"""A server's name and a lake in, a run ready to work out: settings, catalog, lock and policy wired in one place."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from service import settings
from service.catalog import Catalog, Run
from service.derive.policy import Policy
from service.engine import Kind
from service.errors import LakeProblem, WrongUsage
from service.jobs import locks
from service.lake import Lake
from service.pipeline import STAGES
from service.progress import progress
from service.pull import patient_ids
from service.server.egress import known_rung
from service.settings import Settings, Source
from service.tracing import traced
from service.work import Work


@contextmanager
def opened(
    lake_dir: Path,
    server: str | None = None,
    *,
    run: str | None = None,
    after: str | None = None,
    write: str | None = None,
    policy: Path | None = None,
    limits: Mapping[str, object] | None = None,
) -> Iterator[Work]:
    """A new run on `server`, its newest one that got as far as `after`, or the one named `run`.

    `limits`, settings that were typed, stand in place of the source's own.
    What was typed is checked before anything is made: a command that is refused leaves no trace.
    """
    config, asked = settings.load(), known_rung(write)
    rules = Policy.load(policy or config.policy)
    new = Run.starting(*_address(config, server), dt.datetime.now(dt.UTC)) if run is after is None else None
    lake = Lake(lake_dir).open() if new else existing(lake_dir, config, after)
    with Catalog.open(lake.catalog, config.catalog()) as catalog:
        chosen = new or (_named(catalog, run) if run else _newest(catalog, config.source(server or ""), str(after)))
        source = _limited(config.source(chosen.source), limits or {})
        traces = traced(config.traces_url, config.installation)
        with traces, locks.held(source.id, lake.root, config.redis()), progress() as advance:
            yield Work(source, lake, catalog, chosen, rules, asked, advance, Kind.of(config), config.own)


def listed(file: str | None, source: Source) -> list[str] | None:
    """The patients that a file names, or stdin where it is `-`; None where no file is given."""
    if file is None:
        return None
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage("the list of patients cannot be read", where=file, do="check --patients-from") from error
    return patient_ids(text.splitlines(), file, source)


def _limited(source: Source, limits: Mapping[str, object]) -> Source:
    return source.model_copy(update={name: limit for name, limit in limits.items() if limit is not None})


def _address(config: Settings, server: str | None) -> tuple[str, str, str]:
    source = config.source(server or "")
    return source.id, source.url, config.installation


def existing(lake_dir: Path, config: Settings, after: str | None = None) -> Lake:
    """A lake is made by the first pull, never by a word mistyped."""
    lake = Lake(lake_dir)
    if not (lake.root if config.catalog_url else lake.catalog).exists():
        first = f"run `personalize {after}` first, or " if after else ""
        raise LakeProblem("there is no lake here", where=str(lake_dir), do=f"{first}name yours with --lake DIR")
    return lake


def _named(catalog: Catalog, run: str) -> Run:
    found = catalog.run(run)
    if found is None:
        raise LakeProblem(f"no run {run} in this lake", do="name one as `personalize run` printed it")
    return found


def _newest(catalog: Catalog, source: Source, after: str) -> Run:
    found = catalog.latest(source.id, STAGES[STAGES.index(after) :])
    if found is None:
        raise LakeProblem(
            f"nothing has been through `{after}` here yet", where=source.id, do=f"run `personalize {after}` first"
        )
    if after == "plan" and found.stage == "undo":
        # Applied again, its plan would bring back what a person took away.
        raise LakeProblem(f"the newest run, {found.run}, was undone", where=source.id, do="plan again")
    return found
