"""A server's name and a lake in, a run ready to work out: settings, catalog, lock and policy wired in one place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service import settings
from service.catalog import Catalog, Run
from service.derive.policy import Policy
from service.errors import LakeProblem
from service.jobs import locks
from service.lake import Lake
from service.pipeline import STAGES, Work
from service.progress import progress
from service.server.egress import rung
from service.settings import Settings, Source


@contextmanager
def opened(
    lake_dir: Path,
    server: str | None = None,
    *,
    run: str | None = None,
    after: str | None = None,
    write: str | None = None,
    policy: Path | None = None,
) -> Iterator[Work]:
    """A new run on `server`, its newest one that got as far as `after`, or the one named `run`."""
    config = settings.load()
    lake = Lake(lake_dir).open()
    with Catalog.open(lake.catalog) as catalog:
        source, chosen = _chosen(config, catalog, server, run, after)
        with locks.held(source.id, lake.root, config.redis()), progress() as advance:
            yield Work(
                source=source,
                lake=lake,
                catalog=catalog,
                run=chosen or catalog.begin(source.id, source.url, config.installation, dt.datetime.now(dt.UTC)),
                policy=Policy.load(policy or config.policy),
                rung=rung(source, write),
                progress=advance,
            )


def _chosen(
    config: Settings, catalog: Catalog, server: str | None, run: str | None, after: str | None
) -> tuple[Source, Run | None]:
    if run is not None:
        found = catalog.run(run)
        if found is None:
            raise LakeProblem(f"no run {run} in this lake", do="name one as `personalize run` printed it")
        return config.source(found.source), found
    source = config.source(server or "")
    if after is None:
        return source, None
    found = catalog.latest(source.id, STAGES[STAGES.index(after) :])
    if found is None:
        raise LakeProblem(
            f"nothing has been through `{after}` here yet", where=source.id, do=f"run `personalize {after}` first"
        )
    return source, found
