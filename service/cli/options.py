"""The words that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from service.settings import share_or_count

Server = Annotated[str, typer.Argument(help="A FHIR base address, or a source named in personalize.toml.")]
LakeDir = Annotated[Path, typer.Option("--lake", metavar="DIR", help="Where everything is kept.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
AsOf = Annotated[str | None, typer.Option(help="A date, an instant, or latest: where every window ends.")]
Write = Annotated[str | None, typer.Option(help="patient, observation, flag, document or none: how far it may go.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Read no more than this many patients.")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", metavar="FILE", help="Instead of the shipped policy.")]
Diff = Annotated[bool, typer.Option("--diff", help="Show what would change, patient by patient.")]
Full = Annotated[bool, typer.Option("--full", help="Read all that stands, not only what changed since.")]
Group = Annotated[str | None, typer.Option(metavar="ID", help="Read the active members of this Group alone.")]
PatientsFrom = Annotated[
    str | None,
    typer.Option("--patients-from", metavar="FILE", help="Read these alone: an id or reference a line; - for stdin."),
]
PullBy = Annotated[
    Literal["auto", "search", "bulk"] | None,
    typer.Option("--pull", help="How it is read: auto unless the source's settings say; it tells why."),
]
MaxChanges = Annotated[int | None, typer.Option(min=0, help="Refuse to write about more patients than this.")]
MaxRemovals = Annotated[int | None, typer.Option(min=0, help="Refuse to remove more panels than this; 0 unless set.")]


def _share_or_count(text: str) -> int | float:
    try:
        return share_or_count(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


MaxLevelChanges = Annotated[
    # Typer takes no union; what the parser returns is handed on as it is.
    Any,
    typer.Option(
        parser=_share_or_count, metavar="SHARE|N", help="Refuse to change more levels than this; 20% unless set."
    ),
]
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
