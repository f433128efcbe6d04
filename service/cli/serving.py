"""`personalize serve`: the profiles of a lake for apps and EHRs, until it is told to end."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from service.cli.options import HERE, LakeDir

app = typer.Typer()


@app.command()
def serve(
    server: Annotated[
        str | None,
        typer.Argument(metavar="[SERVER]", help="Whose profiles; not needed where one source is configured."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Where to listen; this machine unless set.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="8000 unless set; 0 takes a free one.")] = None,
    auth: Annotated[
        Literal["smart", "off"] | None, typer.Option(help="off lets everybody on this machine in, for trying it out.")
    ] = None,
    lake: LakeDir = HERE,
) -> None:
    """A FHIR server that only reads, and CDS Hooks, over the newest profiles of a source.

    personalize serve hospital --auth off
    """
    from service.facade.server import serve as serving
    from service.facade.wiring import wired
    from service.jobs.logs import structured

    structured()
    wiring = wired(lake, server, host=host, port=port, auth=auth)
    serving(wiring, ready=lambda base: typer.echo(f"{base} (Ctrl-C ends it)"))
