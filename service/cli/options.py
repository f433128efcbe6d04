"""The words that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Server = Annotated[str, typer.Argument(help="A FHIR base address, or a source named in personalize.toml.")]
LakeDir = Annotated[Path, typer.Option("--lake", metavar="DIR", help="Where everything is kept.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
AsOf = Annotated[str | None, typer.Option(help="A date, an instant, or latest: where every window ends.")]
Write = Annotated[str | None, typer.Option(help="patient, observation or none: how far writing may go.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Read no more than this many patients.")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", metavar="FILE", help="Instead of the shipped policy.")]
AnyServer = Annotated[str | None, typer.Argument(metavar="SERVER", help="As elsewhere; not needed with --view.")]
ViewFile = Annotated[Path | None, typer.Option("--view", metavar="FILE", help="A SQL on FHIR v2 ViewDefinition.")]
To = Annotated[
    Literal["parquet", "csv"] | None, typer.Option("--to", help="With --view: parquet, the default, or csv.")
]
From = Annotated[
    Path | None,
    typer.Option("--from", metavar="PATH", help="With --view: a directory or an NDJSON file; default here."),
]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="With --view: default VIEW.parquet, VIEW.csv.")]
Fhir = Annotated[
    str | None, typer.Option("--fhir", metavar="VERSION", help="With --view: STU3, R4 or R5; default what was pulled.")
]
HERE = Path("lake")
