"""`personalize erase`: everything about one patient, wherever this service keeps or put it."""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli.answer import emit
from service.cli.options import HERE, Json, LakeDir, Server
from service.erasing import erase as everything
from service.opening import opened

app = typer.Typer()


@app.command()
def erase(
    server: Server,
    patient: Annotated[str, typer.Argument(help="Patient/ID, or the ID alone.")],
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """Take one patient out of server (what is ours), lake, catalog and cache, and prove it by searching.

    personalize erase hospital 4711
    """
    with opened(lake, server) as work:
        told = everything(work, patient)
        emit(told.document(), told.lines(), json)
        if told.left:
            raise typer.Exit(3)
