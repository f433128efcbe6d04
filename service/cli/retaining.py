"""`personalize retain`: how long the files of runs are kept."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from service import settings
from service.cli.answer import emit
from service.cli.options import HERE, Json, LakeDir, Server

app = typer.Typer()


@app.command()
def retain(
    server: Server,
    days: Annotated[int, typer.Option(min=0, help="Runs younger than this stay.")] = 30,
    apply: Annotated[bool, typer.Option("--apply", help="Remove. Without it they are only named.")] = False,
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """Files of SERVER's runs that are older and that nothing needs any more. What they wrote can still be undone.

    personalize retain hospital --days 30
    """
    from service import retention
    from service.catalog import Catalog
    from service.jobs import locks
    from service.opening import existing

    config = settings.load()
    source, found = config.source(server), existing(lake, config)
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    with Catalog.open(found.catalog, config.catalog()) as catalog, locks.held(source.id, found.root, config.redis()):
        paths = retention.outlived(found, catalog, source, before)
        if apply:
            retention.remove(paths)
    named = [str(each.relative_to(found.root)) for each in paths]
    said = "removed" if apply else "would go"
    emit({said.replace(" ", "_"): named}, [*named, f"{len(named):,} {said}"], json)
