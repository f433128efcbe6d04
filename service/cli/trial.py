"""`personalize try`: the whole way on a sandbox, with patients of our own making."""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli.answer import emit
from service.cli.options import HERE, Json, LakeDir, Server

app = typer.Typer()


@app.command("try")
def attempt(
    server: Server,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Off this machine: yes, it is one.")] = False,
    patients: Annotated[int, typer.Option(help="How many invented patients, 50 at most.")] = 10,
    clean: Annotated[bool, typer.Option("--clean", help="Only take down what an earlier trial left.")] = False,
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """Invented patients up, the whole pipeline on them alone, shown, and all of it taken down again.

    personalize try https://hapi.example.org/fhir --sandbox
    """
    from service import trial  # brings the sandbox's population

    if clean:
        told = trial.clean(server, lake_dir=lake)
    else:
        told = trial.attempt(
            server, sandbox=sandbox, patients=patients, lake_dir=lake, say=lambda line: typer.echo(line, err=json)
        )
    emit(told.document(), told.lines(), json)
    if told.left or (told.run or {}).get("set_aside"):
        raise typer.Exit(3)
