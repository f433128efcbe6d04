"""What came back in, one JSON document or lines of text on stdout out, and the exit code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import typer

from service import pipeline, shown


def told(outcome: pipeline.Outcome, json: bool) -> None:
    emit(shown.document(outcome), shown.lines(outcome), json)
    if outcome.partial:
        raise typer.Exit(3)


def emit(document: Any, lines: Iterable[str], json: bool) -> None:
    if json:
        encoded = msgspec.json.Encoder(decimal_format="number").encode(document)
        typer.echo(msgspec.json.format(encoded, indent=1).decode())
    else:
        for line in lines:
            typer.echo(line)
