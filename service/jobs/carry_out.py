"""A claim in, the run of the pipeline that it asks for out: of one patient, or of all of a source."""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import AbstractContextManager, nullcontext

from service import pipeline
from service.catalog import Catalog
from service.errors import PersonalizeError
from service.jobs import changes, locks
from service.jobs.queue import Claim, Queue
from service.lake import Lake
from service.pipeline import Outcome, Work
from service.server.client import FhirServer
from service.settings import Settings, Source
from service.subscriptions.kept import Kept
from service.subscriptions.subscribe import renew


def carry_out(claim: Claim, queue: Queue, config: Settings, lake: Lake) -> None:
    """LeaseLost when another has taken it over; else what kept it from being done, as the stages say it."""
    source = config.source(claim.source)
    if claim.kind == "changes":
        asyncio.run(changes.look(queue, source))
    elif claim.kind == "renew":
        asyncio.run(_renewed(queue, source, config))
    else:
        _run(claim, queue, config, source, lake)


async def _renewed(queue: Queue, source: Source, config: Settings) -> None:
    async with FhirServer(source) as server:
        now = dt.datetime.now(dt.UTC)
        await renew(server, Kept(queue.engine), config.serve.address, config.installation, now)
    queue.ask(source.id, "changes")  # what happened while none told of it


def _run(claim: Claim, queue: Queue, config: Settings, source: Source, lake: Lake) -> None:
    with _alone(claim, source, config, lake), Catalog.open(lake.catalog, config.catalog()) as catalog:
        catalog.under(queue.guard(claim))
        only = [claim.patient.removeprefix("Patient/")] if claim.patient else None
        work, full = Work.of(config, source, lake, catalog), claim.kind == "full"
        _written(pipeline.run(work, only=only, full=full, write=source.apply), claim)


def _alone(claim: Claim, source: Source, config: Settings, lake: Lake) -> AbstractContextManager[None]:
    """Of one patient the lease is the lock; beside a run of all, `If-Match` decides between the two."""
    return nullcontext() if claim.patient else locks.held(source.id, lake.root, config.redis())


def _written(outcome: Outcome, claim: Claim) -> None:
    """Of a run of all, who was set aside is listed there; of one patient there is nothing else to tell."""
    told = outcome.told.get("apply", {})
    aside = [entry["why"] for entry in told.get("set_aside", [])]
    if claim.patient and (aside or told.get("unwritten")):
        raise PersonalizeError(f"it was not written: {aside[0] if aside else told.get('stopped') or 'no answer'}")
