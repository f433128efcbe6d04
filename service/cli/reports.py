"""`personalize report ...`: lists for a care team and for those who answer for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from service import settings, shown
from service.cli.answer import emit
from service.cli.options import HERE, Json, LakeDir, Server
from service.opening import existing, opened

app = typer.Typer(no_args_is_help=True, help="Lists for a care team, from the newest profiles of a source.")


@app.command()
def top(
    server: Server,
    by: Annotated[str, typer.Option(help="visits, charges or liability.")] = "visits",
    window: Annotated[str, typer.Option(help="year, month or week.")] = "year",
    limit: Annotated[int, typer.Option(min=1, help="How many patients, in each currency and organisation.")] = 50,
    organization: Annotated[bool, typer.Option("--organization", help="Within each patient's usual one.")] = False,
    aggregate: Annotated[bool, typer.Option("--aggregate", help="Counts and quantiles only, nobody in them.")] = False,
    layout: Annotated[str, typer.Option("--format", help="table, csv, json, list or measurereport.")] = "table",
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """Who came most, was billed most or had most to pay: for a care team to look at, not to show around.

    personalize report top hospital --by charges --window month --format csv
    """
    with opened(lake, server, after="derive") as work:
        asked = shown.Asked(by, shown.WINDOWS.get(window, window), limit, organization, aggregate)
        emit(*shown.top(work, asked, "json" if json else layout))


@app.command()
def feedback(lake: LakeDir = HERE, json: Json = False) -> None:
    """What became of the cards that `serve` gave to EHRs, by service, outcome and reason.

    personalize report feedback
    """
    from service.catalog import Catalog
    from service.feedback import counted, lines

    config = settings.load()
    with Catalog.open(existing(lake, config).catalog, config.catalog()) as catalog:
        found = counted(catalog)
    emit(found, lines(found), json)


@app.command()
def equity(
    server: Server,
    by: Annotated[list[str] | None, typer.Option(help="One of them, or several times; without it all.")] = None,
    rurality: Annotated[list[str] | None, typer.Option(help="URL of your extension for country or town.")] = None,
    layout: Annotated[str, typer.Option("--format", help="table, json or measurereport.")] = "table",
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """Whether those equal in need are served alike, by sex, age, language, interpreter, race, ethnicity, rurality.

    personalize report equity hospital --by language --by race
    """
    with opened(lake, server, after="derive") as work:
        emit(*shown.equity(work, by, rurality or [], "json" if json else layout))


@app.command()
def fragmentation(
    server: Server,
    earlier: Annotated[int, typer.Option(min=0, help="How many earlier runs to compare with.")] = 6,
    svg: Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="Draw it as well.")] = None,
    layout: Annotated[str, typer.Option("--format", help="table, json or measurereport.")] = "table",
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """Fragmentation and breadth of care beside emergency visits, readmissions and cancelled visits.

    personalize report fragmentation hospital --svg fragmentation.svg
    """
    with opened(lake, server, after="derive") as work:
        emit(*shown.fragmentation(work, earlier, svg, "json" if json else layout))
