"""Claims in, the run of the pipeline that they ask for out: of some patients, or of all of a source."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from service import before, pipeline
from service.catalog import Catalog
from service.errors import PersonalizeError
from service.jobs import changes, locks
from service.jobs.queue import Claim, Queue
from service.lake import Lake
from service.pipeline import Outcome
from service.server.client import FhirServer
from service.server.stated import Statements
from service.settings import Settings, Source
from service.subscriptions.kept import Kept
from service.subscriptions.subscribe import renew
from service.work import Work


def carry_out(claims: Sequence[Claim], queue: Queue, config: Settings, lake: Lake, statements: Statements) -> None:
    """LeaseLost when another has taken one over; else what kept them from being done, as the stages say it.

    Several are patients of one source. What its server states is remembered from one to the next.
    """
    source, kind = config.source(claims[0].source), claims[0].kind
    if kind == "changes":
        asyncio.run(changes.look(queue, source, statements))
    elif kind == "renew":
        asyncio.run(_renewed(queue, source, config))
    else:
        _run(claims, queue, config, source, lake, statements)


async def _renewed(queue: Queue, source: Source, config: Settings) -> None:
    async with FhirServer(source) as server:
        now = dt.datetime.now(dt.UTC)
        await renew(server, Kept(queue.engine), config.serve.address, config.installation, now)
    queue.ask(source.id, "changes")  # what happened while none told of it


def _run(
    claims: Sequence[Claim], queue: Queue, config: Settings, source: Source, lake: Lake, statements: Statements
) -> None:
    only = [claim.patient.removeprefix("Patient/") for claim in claims if claim.patient] or None
    with _alone(only, source, config, lake), Catalog.open(lake.catalog, config.catalog()) as catalog:
        catalog.under(queue.guard(claims))
        work, full = replace(Work.of(config, source, lake, catalog), statements=statements), claims[0].kind == "full"
        rests_on = before.whole(work) if only else None
        outcome = pipeline.run(work, only=only, full=full, write=source.apply)
        if only:
            if before.whole(work) != rests_on:  # it may know of a merge that this run did not
                queue.ask(source.id, "patient", [claim.patient for claim in claims], at_once=True)
            _written(outcome)


def _alone(only: list[str] | None, source: Source, config: Settings, lake: Lake) -> AbstractContextManager[None]:
    """Of single patients the lease is the lock; beside a run of all, `If-Match` decides between the two."""
    return nullcontext() if only else locks.held(source.id, lake.root, config.redis())


def _written(outcome: Outcome) -> None:
    """Of a run of all, who was set aside is listed there; of single patients there is nothing else to tell."""
    told = outcome.told.get("apply", {})
    aside = [entry["why"] for entry in told.get("set_aside", [])]
    if aside or told.get("unwritten"):
        raise PersonalizeError(f"it was not written: {aside[0] if aside else told.get('stopped') or 'no answer'}")
