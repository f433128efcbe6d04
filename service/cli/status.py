"""`personalize status`: how every configured source stands."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from service import settings
from service.cli.answer import emit
from service.cli.options import HERE, Json, LakeDir

app = typer.Typer()


@app.command()
def status(
    server: Annotated[str | None, typer.Argument(metavar="[SERVER]", help="One source; else all.")] = None,
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """Last run, freshness, queue, what was set aside, what is due next, and who tells us. Exit 3 if jobs are set aside.

    personalize status --json
    """
    from service import working
    from service.catalog import Catalog
    from service.opening import existing
    from service.status import lines
    from service.status import status as standing

    config = settings.load()
    sources = working.configured(config, server)
    found = existing(lake, config)
    with Catalog.open(found.catalog, config.catalog()) as catalog, working.queue(lake, config) as queue:
        told = standing(catalog, queue, sources, dt.datetime.now(dt.UTC))
    emit(told, lines(told), json)
    if any(each["jobs_set_aside"] for each in told):
        raise typer.Exit(3)
