"""The stages of the pipeline as commands: each parses its words, calls one function and prints what comes back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service import pipeline, reporting, settings
from service.cli.answer import emit, told
from service.cli.options import (
    HERE,
    AnyServer,
    AsOf,
    Diff,
    Fhir,
    From,
    Full,
    Group,
    Json,
    LakeDir,
    Limit,
    MaxChanges,
    MaxLevelChanges,
    MaxRemovals,
    Out,
    PatientsFrom,
    PolicyFile,
    PullBy,
    Server,
    To,
    ViewFile,
    Write,
)
from service.engine import Kind
from service.errors import WrongUsage
from service.opening import listed, opened

if TYPE_CHECKING:
    from service.flatten.views import Flattened, Request

app = typer.Typer()


@app.command()
def run(
    server: Server,
    apply: Annotated[bool, typer.Option("--apply", help="Write. Without it nothing is sent.")] = False,
    write: Write = None,
    as_of: AsOf = None,
    patient_limit: Limit = None,
    group: Group = None,
    patients_from: PatientsFrom = None,
    pull: PullBy = None,
    policy: PolicyFile = None,
    diff: Diff = False,
    full: Full = False,
    max_changes: MaxChanges = None,
    max_level_changes: MaxLevelChanges = None,
    max_removals: MaxRemovals = None,
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """Pull, flatten, derive and plan; with --apply also write.

    personalize run http://127.0.0.1:8080/fhir --as-of 2026-07-01 --json
    """
    limits = {**_limits(max_changes, max_level_changes, max_removals), "pull": pull}
    with opened(lake, server, write=write, policy=policy, limits=limits) as work:
        only = listed(patients_from, work.source)
        told(
            pipeline.run(work, as_of=as_of, limit=patient_limit, only=only, group=group, write=apply, full=full),
            json,
            diff=diff,
        )


@app.command()
def pull(
    server: Server,
    patient_limit: Limit = None,
    group: Group = None,
    patients_from: PatientsFrom = None,
    by: PullBy = None,
    full: Full = False,
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """SERVER to raw NDJSON in the lake; begins a run. What an earlier pull holds is asked for only where it changed.

    personalize pull hospital --group diabetics
    """
    with opened(lake, server, limits={"pull": by}) as work:
        told(pipeline.only(work, "pull", patient_limit, listed(patients_from, work.source), group, full), json)


@app.command()
def flatten(
    server: AnyServer = None,
    view: ViewFile = None,
    to: To = None,
    place: From = None,
    out: Out = None,
    fhir: Fhir = None,
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """The newest pull of SERVER to facts; or with --view it, or any NDJSON, to a table of your own.

    personalize flatten hospital

    personalize flatten --view visits.json --from export/ --to csv
    """
    if view is None:
        _only_with_view({"--to": to, "--from": place, "--out": out, "--fhir": fhir})
        with opened(lake, _given(server), after="pull") as work:
            told(pipeline.only(work, "flatten"), json)
    else:
        from service.flatten.views import Request  # brings a grammar and its parser, which no other command needs

        request = Request(view, place or Path(), to or "parquet", out, fhir, Kind.of(settings.load()))
        flattened = _viewed(request, server, place, lake)
        emit(flattened, flattened.lines(), json)


@app.command()
def derive(
    server: Server,
    as_of: AsOf = None,
    policy: PolicyFile = None,
    compare: Annotated[bool, typer.Option("--compare", help="Only show whom --policy FILE would change.")] = False,
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """The newest facts of SERVER to measures, levels and pathways.

    personalize derive hospital --policy own.toml --compare
    """
    if compare:
        _compared(server, as_of, policy, lake, json)
    else:
        with opened(lake, server, policy=policy, after="flatten") as work:
            told(pipeline.only(work, "derive", as_of), json)


@app.command()
def plan(
    server: Server,
    write: Write = None,
    diff: Diff = False,
    full: Full = False,
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """What would be written to SERVER, and why. Writes nothing.

    personalize plan hospital --diff
    """
    with opened(lake, server, write=write, after="derive") as work:
        told(pipeline.only(work, "plan", full), json, diff=diff)


@app.command()
def apply(
    server: Server,
    max_changes: MaxChanges = None,
    max_level_changes: MaxLevelChanges = None,
    max_removals: MaxRemovals = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Only those who were set aside.")] = False,
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """Write the newest plan for SERVER, unless it goes beyond a limit.

    personalize apply hospital --max-removals 3
    """
    limits = _limits(max_changes, max_level_changes, max_removals)
    with opened(lake, server, after="plan", limits=limits) as work:
        told(pipeline.only(work, "apply", retry_failed), json)


@app.command()
def undo(
    run: Annotated[str, typer.Argument(help="The run, by the name that it printed.")],
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """Take back what RUN wrote, as far as nobody else has changed it since."""
    with opened(lake, run=run) as work:
        told(pipeline.only(work, "undo"), json)


@app.command()
def explain(
    server: Server,
    patient: Annotated[str, typer.Argument(help="Patient/ID, or the ID alone.")],
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """From resources to level: one patient of SERVER's newest profiles, line by line."""
    with opened(lake, server, after="derive") as work:
        explanation = reporting.explain(work, patient)
        emit(explanation, explanation.lines(), json)


def _limits(
    changes: int | None, level_changes: int | float | None, removals: int | None
) -> dict[str, int | float | None]:
    return {"max_changes": changes, "max_level_changes": level_changes, "max_removals": removals}


def _compared(server: str, as_of: str | None, policy: Path | None, lake: Path, json: bool) -> None:
    if policy is None:
        raise WrongUsage(
            "there is nothing to compare with", where="--compare", do="name the other policy: --policy FILE"
        )
    with opened(lake, server, after="flatten") as work:
        comparison = pipeline.compare(work, policy, as_of)
        emit(comparison, comparison.lines(), json)


def _viewed(request: Request, server: str | None, place: Path | None, lake: Path) -> Flattened:
    from service.flatten.views import flatten_view

    if server is None:
        return flatten_view(request)
    if place is not None:
        raise WrongUsage(
            "it cannot be both a server's pull and other files", where=f"{server}, --from {place}", do="leave one out"
        )
    with opened(lake, server, after="pull") as work:
        return flatten_view(replace(request, place=work.raw))


def _given(server: str | None) -> str:
    if server is None:
        raise WrongUsage("no server is named", do="name SERVER, or a view of files of your own with --view FILE")
    return server


def _only_with_view(options: dict[str, object]) -> None:
    for name, given in options.items():
        if given is not None:
            raise WrongUsage("facts are made as they are", where=name, do="give --view FILE with it, or leave it out")
