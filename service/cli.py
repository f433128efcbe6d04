"""Commands, nothing else: each parses its words, calls one function and prints what comes back.

stdout holds the answer, stderr everything else. Exit 0 done, 1 something failed, 2 wrong usage, 3 partial: some
patients were set aside.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import stamina
import structlog
import typer
from stamina.instrumentation import RetryDetails

from service import __version__, pipeline, shown
from service.errors import PersonalizeError
from service.opening import opened

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
reports = typer.Typer(no_args_is_help=True, help="Lists for a care team, from the newest profiles of a source.")
app.add_typer(reports, name="report")

Server = Annotated[str, typer.Argument(help="A FHIR base address, or a source named in personalize.toml.")]
LakeDir = Annotated[Path, typer.Option("--lake", metavar="DIR", help="Where everything is kept.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
AsOf = Annotated[str | None, typer.Option(help="A date, an instant, or latest: where every window ends.")]
Write = Annotated[str | None, typer.Option(help="patient, observation or none: how far writing may go.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Read no more than this many patients.")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", metavar="FILE", help="Instead of the shipped policy.")]
HERE = Path("lake")


@app.command()
def run(
    server: Server,
    apply: Annotated[bool, typer.Option("--apply", help="Write. Without it nothing is sent.")] = False,
    write: Write = None,
    as_of: AsOf = None,
    patient_limit: Limit = None,
    policy: PolicyFile = None,
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """Pull, flatten, derive and plan; with --apply also write.

    personalize run http://127.0.0.1:8080/fhir --as-of 2026-07-01 --json
    """
    with opened(lake, server, write=write, policy=policy) as work:
        _told(pipeline.run(work, as_of=as_of, limit=patient_limit, write=apply), json)


@app.command()
def pull(server: Server, patient_limit: Limit = None, lake: LakeDir = HERE, json: Json = False) -> None:
    """SERVER to raw NDJSON in the lake; begins a run."""
    with opened(lake, server) as work:
        _told(pipeline.only(work, "pull", patient_limit), json)


@app.command()
def flatten(server: Server, lake: LakeDir = HERE, json: Json = False) -> None:
    """The newest pull of SERVER to facts."""
    with opened(lake, server, after="pull") as work:
        _told(pipeline.only(work, "flatten"), json)


@app.command()
def derive(
    server: Server, as_of: AsOf = None, policy: PolicyFile = None, lake: LakeDir = HERE, json: Json = False
) -> None:
    """The newest facts of SERVER to measures, levels and pathways."""
    with opened(lake, server, policy=policy, after="flatten") as work:
        _told(pipeline.only(work, "derive", as_of), json)


@app.command()
def plan(server: Server, write: Write = None, lake: LakeDir = HERE, json: Json = False) -> None:
    """What would be written to SERVER, and why. Writes nothing.

    personalize plan hospital --json
    """
    with opened(lake, server, write=write, after="derive") as work:
        _told(pipeline.only(work, "plan"), json)


@app.command()
def apply(server: Server, lake: LakeDir = HERE, json: Json = False) -> None:
    """Write the newest plan for SERVER."""
    with opened(lake, server, after="plan") as work:
        _told(pipeline.only(work, "apply"), json)


@app.command()
def undo(
    run: Annotated[str, typer.Argument(help="The run, by the name that it printed.")],
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """Take back what RUN wrote, as far as nobody else has changed it since."""
    with opened(lake, run=run) as work:
        _told(pipeline.only(work, "undo"), json)


@app.command()
def explain(
    server: Server,
    patient: Annotated[str, typer.Argument(help="Patient/ID, or the ID alone.")],
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """From resources to level: one patient of SERVER's newest profiles, line by line."""
    with opened(lake, server, after="derive") as work:
        explanation = pipeline.explain(work, patient)
        _emit(explanation, explanation.lines(), json)


@reports.command()
def top(
    server: Server,
    by: Annotated[str, typer.Option(help="visits or charges.")] = "visits",
    window: Annotated[str, typer.Option(help="year, month or week.")] = "year",
    limit: Annotated[int, typer.Option(min=1, help="How many patients.")] = 50,
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """Who came most, or was billed most: for a care team to look at, not to show around."""
    with opened(lake, server, after="derive") as work:
        ranking = pipeline.top(work, by, shown.WINDOWS.get(window, window), limit)
        _emit(ranking, shown.ranking(ranking), json)


@app.command()
def sandbox(
    patients: Annotated[int, typer.Option(min=0, help="How many invented patients; 0 is an empty server.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8080,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
) -> None:
    """An embedded FHIR R4 server with invented patients, until Ctrl-C."""
    from service.sandbox import serve

    serve(patients, seed, port, host, ready=lambda url: typer.echo(f"{url} (Ctrl-C ends it)"))


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


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"personalize {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """One standardized personalization profile per patient, from any FHIR server and back to it."""


def _told(outcome: pipeline.Outcome, json: bool) -> None:
    _emit(shown.document(outcome), shown.lines(outcome), json)
    if outcome.partial:
        raise typer.Exit(3)


def _emit(document: Any, lines: Iterable[str], json: bool) -> None:
    if json:
        encoded = msgspec.json.Encoder(decimal_format="number").encode(document)
        typer.echo(msgspec.json.format(encoded, indent=1).decode())
    else:
        for line in lines:
            typer.echo(line)


def _retrying(details: RetryDetails) -> None:
    """One plain line a retry: stamina's own repeats the exception and where it was caught."""
    said = details.caused_by
    where = said.where if isinstance(said, PersonalizeError) else ""
    structlog.get_logger().warning(
        "asking again", reason=type(said).__name__, where=where, seconds=round(details.wait_for, 1)
    )


def _to_stderr(*_names: str) -> structlog.PrintLogger:
    """stderr as it is when something is said: who embeds this may have put another one there since."""
    return structlog.PrintLogger(sys.stderr)


def main() -> None:
    """The command `personalize`: errors become one line on stderr and their exit code."""
    stamina.instrumentation.set_on_retry_hooks([_retrying])
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=_to_stderr,
    )
    try:
        app()
    except PersonalizeError as error:
        typer.echo(f"personalize: {error.text}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
