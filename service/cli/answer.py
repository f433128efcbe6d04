"""What came back in, one JSON document or lines of text on stdout out, and the exit code."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

import msgspec
import typer

from service import pipeline, shown


def told(outcome: pipeline.Outcome, json: bool, diff: bool = False) -> None:
    """`diff` adds what would change, patient by patient."""
    document, lines = shown.document(outcome), shown.lines(outcome)
    if diff:
        changes = pipeline.diff(outcome.work)
        document, lines = document | {"diff": changes.document()}, chain(lines, changes.lines())
    emit(document, lines, json)
    if outcome.partial:
        raise typer.Exit(3)


def emit(document: Any, lines: Iterable[str], json: bool) -> None:
    if json:
        encoded = msgspec.json.Encoder(decimal_format="number").encode(document)
        typer.echo(msgspec.json.format(encoded, indent=1).decode())
    else:
        for line in lines:
            typer.echo(line)
