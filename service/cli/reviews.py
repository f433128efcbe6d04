"""`personalize review ...`: what a person decides about profiles; it counts from the next plan on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from service import decisions
from service.cli.answer import emit
from service.cli.options import HERE, Json, LakeDir, Server
from service.opening import opened
from service.reviews import Decision

app = typer.Typer(no_args_is_help=True, help="A person's decisions about profiles: they count from the next plan on.")

Patient = Annotated[str, typer.Argument(help="Patient/ID, or the ID alone.")]
By = Annotated[str, typer.Option("--by", metavar="WHO", help="A name, or Practitioner/ID on that server.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is written into the Provenance.")]
Until = Annotated[
    str | None, typer.Option("--until", metavar="DATE", help="Its last day; without it, until its grounds change.")
]


@app.command("list")
def waiting(server: Server, lake: LakeDir = HERE, json: Json = False) -> None:
    """Whose profile waits for a person, why, and about whom one has decided.

    personalize review list hospital
    """
    with opened(lake, server, after="derive") as work:
        found = list(decisions.waiting(work))
        lines = [line for each in found for line in _lines(each)]
        emit([asdict(each) for each in found], lines or ["nobody waits for a review"], json)


@app.command()
def accept(server: Server, patient: Patient, by: By, reason: Reason, until: Until = None, lake: LakeDir = HERE) -> None:
    """The profile is right: it becomes final.

    personalize review accept hospital 4711 --by "Dr. A. Example" --reason "seen in the team meeting"
    """
    _decided("accept", server, patient, decisions.Asked(by, reason, until), lake)


@app.command()
def decline(
    server: Server, patient: Patient, by: By, reason: Reason, until: Until = None, lake: LakeDir = HERE
) -> None:
    """The profile is not right for this patient: it is withdrawn.

    personalize review decline hospital 4711 --by Practitioner/17 --reason "visits of another person"
    """
    _decided("decline", server, patient, decisions.Asked(by, reason, until), lake)


@app.command()
def override(
    server: Server,
    patient: Patient,
    by: By,
    reason: Reason,
    level: Annotated[str | None, typer.Option(help="The level instead.")] = None,
    pathway: Annotated[list[str] | None, typer.Option(metavar="+P|-P", help="A pathway more, or one less.")] = None,
    until: Until = None,
    lake: LakeDir = HERE,
) -> None:
    """Another level or other pathways, as a person sees it.

    personalize review override hospital 4711 --level enhanced --pathway -proactive-outreach --by "Dr. A. Example"
    --reason "knows us well" --until 2027-01-31
    """
    _decided("override", server, patient, decisions.Asked(by, reason, until, level, pathway or ()), lake)


def _decided(decision: Decision, server: str, patient: str, asked: decisions.Asked, lake: Path) -> None:
    with opened(lake, server, after="derive") as work:
        review = decisions.decide(work, decision, patient, asked)
        typer.echo(f"{review.patient}: {review.told()}")
        typer.echo(f"It counts from the next plan on: personalize plan {server}, then personalize apply {server}")


def _lines(found: decisions.Waiting) -> list[str]:
    return [found.line(), *(f"  {line}" for line in found.verdict.lines()), *(f"  {line}" for line in found.why)]
