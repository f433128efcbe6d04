"""`personalize doctor`: what a server can do for us, before anything is pulled."""

from __future__ import annotations

import asyncio

import typer

from service import settings
from service.cli.answer import emit
from service.cli.options import HERE, Json, LakeDir, Server, Write
from service.doctor import examined
from service.server.egress import known_rung

app = typer.Typer()


@app.command()
def doctor(server: Server, write: Write = None, lake: LakeDir = HERE, json: Json = False) -> None:
    """What this server can do for us: tried, seen, what follows, what to change. Reads only.

    personalize doctor https://fhir.example.org/r4
    """
    config = settings.load()
    told = asyncio.run(examined(config.source(server), lake, known_rung(write), shared=config.catalog()))
    emit(told.document(), told.lines(), json)
    if told.bad:
        raise typer.Exit(1)
