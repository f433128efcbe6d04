"""`personalize sources ...`: the settings of the servers that this installation knows."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from service import settings
from service.cli.answer import emit
from service.cli.options import HERE, Json, LakeDir
from service.doctor import examined
from service.errors import PersonalizeError, WrongUsage
from service.settings import CONFIG_FILE
from service.settings.page import commented

app = typer.Typer(no_args_is_help=True, help="The servers named in personalize.toml.")


@app.command()
def init(
    name: Annotated[str, typer.Argument(help="What to call the first source.")] = "hospital",
    url: Annotated[str, typer.Argument(help="Its FHIR base address.")] = "https://fhir.example.org/r4",
) -> None:
    """A commented personalize.toml in this directory, with a name for this installation drawn for good.

    personalize sources init hospital https://fhir.example.org/r4
    """
    text = commented(f"i-{uuid4().hex[:12]}", name, url)
    try:
        descriptor = os.open(CONFIG_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise WrongUsage("it is there already", where=str(CONFIG_FILE), do="add the source to it by hand") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    typer.echo(f"{CONFIG_FILE}: read it, and try it with `personalize sources test`")


@app.command()
def test(
    name: Annotated[str | None, typer.Argument(help="One of them; without it all.")] = None,
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """What `personalize doctor` finds, in a line for each source. Reads only."""
    config = settings.load()
    names = [name] if name else sorted(config.sources)
    told = [_tried(each, lake) for each in names]
    emit(told, (f"{'ok' if each['ok'] else '!!'} {each['source']}: {each['said']}" for each in told), json)
    if not all(each["ok"] for each in told):
        raise typer.Exit(1)


def _tried(name: str, lake: Path) -> dict[str, object]:
    try:
        config = settings.load()
        told = asyncio.run(examined(config.source(name), lake, shared=config.catalog()))
    except PersonalizeError as error:
        return {"source": name, "ok": False, "said": error.text}
    bad = [f"{each.about}: {each.seen}" for each in told.findings if each.verdict == "bad"]
    said = "; ".join(bad) or f"FHIR {told.release}, written to as {told.rung}"
    return {"source": name, "ok": not bad, "said": said}
