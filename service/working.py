"""A lake and settings in, the queue of its jobs and a worker on it out: for `worker`, `serve` and `jobs`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from service.errors import WrongUsage
from service.jobs import changes
from service.jobs.carry_out import carry_out
from service.jobs.queue import Queue
from service.jobs.worker import Ended, Worker, unwatched
from service.lake import Lake
from service.server.client import FhirServer
from service.server.stated import Statements
from service.settings import CONFIG_FILE, Settings, Source
from service.subscriptions.kept import Kept
from service.subscriptions.subscribe import Line, Subscribing


def configured(config: Settings, server: str | None = None) -> list[Source]:
    """Those that jobs may be about: only sources that the settings name."""
    found = [config.source(server)] if server else [config.source(name) for name in sorted(config.sources)]
    if not found or not all(each.configured for each in found):
        raise WrongUsage("jobs are about configured sources alone", where=server or "", do=f"name it in {CONFIG_FILE}")
    return found


@contextmanager
def queue(lake_dir: Path, config: Settings) -> Iterator[Queue]:
    """The lake is made where there is none: a first job may come before a first run."""
    with Queue.open(Lake(lake_dir).open().catalog, config.catalog(), config.jobs) as opened:
        yield opened


@contextmanager
def worker(lake_dir: Path, config: Settings, sources: Sequence[Source], ended: Ended = unwatched) -> Iterator[Worker]:
    with queue(lake_dir, config) as opened:
        about = (opened, config, Lake(lake_dir), Statements())
        yield Worker(opened, sources, config.jobs, lambda claims: carry_out(claims, *about), ended)


async def subscribed(
    opened: Queue, config: Settings, source: Source, now: dt.datetime, apply: bool, back: bool
) -> tuple[list[Line], list[str]]:
    """What is done, or would be, about the Subscriptions on a source, and notes; `back` takes all of them back."""
    async with FhirServer(source) as server:
        kept = Kept(opened.engine)
        subscribing = Subscribing(server, kept, config.serve.address, config.installation, now)
        standing = kept.of(source.id, server.base)
        lines = [Line("remove", each.criteria, each.form, each) for each in standing]
        lines = lines if back else await subscribing.plan()
        if apply and not back:
            changes.look_from(opened, source, now)
        if apply:
            await subscribing.apply(lines)
        return lines, subscribing.notes
