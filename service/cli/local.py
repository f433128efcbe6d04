"""Commands that bring their own server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer()


@app.command()
def sandbox(
    patients: Annotated[int, typer.Option(min=0, help="How many invented patients; 0 is an empty server.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8080,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    fhir: Annotated[Literal["stu3", "r4", "r4b", "r5"], typer.Option(help="The version that it speaks.")] = "r4",
    faults: Annotated[Path | None, typer.Option("--faults", metavar="FILE", help="TOML: what shall go wrong.")] = None,
) -> None:
    """An embedded FHIR server with invented patients, until Ctrl-C.

    personalize sandbox --patients 20 --faults faults.toml
    """
    from service.sandbox import Faults, serve

    wrong = Faults.load(faults) if faults else None
    serve(patients, seed, port, host, ready=lambda url: typer.echo(f"{url} (Ctrl-C ends it)"), faults=wrong, fhir=fhir)


@app.command()
def demo(
    patients: Annotated[int, typer.Option(min=1, help="How many invented patients.")] = 200,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="End after the report.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
) -> None:
    """The whole pipeline on an embedded server: pulled, derived, written back, shown."""
    from service.demo import demonstrate

    demonstrate(patients=patients, serve=not no_serve, port=port, host=host, say=typer.echo)
