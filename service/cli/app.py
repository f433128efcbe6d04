"""Every command under one name, and how each ends: errors are one line on stderr and their exit code."""

from __future__ import annotations

import gc
import logging
import sys
from typing import Annotated

import stamina
import structlog
import typer
from stamina.instrumentation import RetryDetails

from service import __version__
from service.cli import (
    doctor,
    erasing,
    jobs,
    keys,
    local,
    profiles,
    reports,
    retaining,
    reviews,
    serving,
    sources,
    stages,
    status,
    subscribing,
    trial,
)
from service.errors import PersonalizeError
from service.jobs.logs import to_stderr

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.add_typer(doctor.app)
app.add_typer(stages.app)
app.add_typer(erasing.app)
app.add_typer(reports.app, name="report")
app.add_typer(reviews.app, name="review")
app.add_typer(jobs.app)
app.add_typer(jobs.queue, name="jobs")
app.add_typer(keys.app, name="keys")
app.add_typer(sources.app, name="sources")
app.add_typer(profiles.app, name="profiles")
app.add_typer(local.app)
app.add_typer(serving.app)
app.add_typer(retaining.app)
app.add_typer(status.app)
app.add_typer(subscribing.app)
app.add_typer(trial.app)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"personalize {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """One standardized personalization profile per patient, from any FHIR server and back to it."""


def _retrying(details: RetryDetails) -> None:
    """One plain line a retry: stamina's own repeats the exception and where it was caught."""
    said = details.caused_by
    where = said.where if isinstance(said, PersonalizeError) else ""
    structlog.get_logger().warning(
        "asking again", reason=type(said).__name__, where=where, seconds=round(details.wait_for, 1)
    )


def main() -> None:
    """The command `personalize`: errors become one line on stderr and their exit code."""
    # Ibis makes a query of many small objects that live on: looking for garbage among them took a tenth of a run.
    gc.set_threshold(50_000, 20, 100)
    stamina.instrumentation.set_on_retry_hooks([_retrying])
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=to_stderr,
    )
    try:
        app()
    except PersonalizeError as error:
        typer.echo(f"personalize: {error.text}", err=True)
        sys.exit(error.exit_code)
