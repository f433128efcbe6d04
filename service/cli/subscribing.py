"""`personalize subscribe` and `unsubscribe`: a server that tells when visits or claims change, and one that stops."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated

import typer

from service import settings
from service.cli.answer import emit
from service.cli.options import HERE, Json, LakeDir, Server

app = typer.Typer()

Apply = Annotated[bool, typer.Option("--apply", help="Write. Without it nothing is sent.")]


@app.command()
def subscribe(server: Server, apply: Apply = False, lake: LakeDir = HERE, json: Json = False) -> None:
    """What SERVER would be asked to tell us of; with --apply it is asked. Each ends, and workers renew it before.

    personalize subscribe hospital
    """
    _carried_out(server, apply, lake, json, back=False)


@app.command()
def unsubscribe(server: Server, apply: Apply = False, lake: LakeDir = HERE, json: Json = False) -> None:
    """What SERVER tells us of; with --apply all of it is taken back.

    personalize unsubscribe hospital --apply
    """
    _carried_out(server, apply, lake, json, back=True)


def _carried_out(server: str, apply: bool, lake: LakeDir, json: bool, back: bool) -> None:
    from service import working

    config = settings.load()
    [source] = working.configured(config, server)
    with working.queue(lake, config) as opened:
        lines, notes = asyncio.run(working.subscribed(opened, config, source, dt.datetime.now(dt.UTC), apply, back))
    told = [{"action": each.action, "criteria": each.criteria, "form": each.form} for each in lines]
    unsent = [] if apply else ["nothing was sent: add --apply"]
    emit({"subscriptions": told, "notes": notes}, [*(each.text() for each in lines), *notes, *unsent], json)
