"""The words that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Server = Annotated[str, typer.Argument(help="A FHIR base address, or a source named in personalize.toml.")]
LakeDir = Annotated[Path, typer.Option("--lake", metavar="DIR", help="Where everything is kept.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
AsOf = Annotated[str | None, typer.Option(help="A date, an instant, or latest: where every window ends.")]
Write = Annotated[str | None, typer.Option(help="patient, observation or none: how far writing may go.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Read no more than this many patients.")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", metavar="FILE", help="Instead of the shipped policy.")]
HERE = Path("lake")
