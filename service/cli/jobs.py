"""`personalize worker`, and `personalize jobs ...`: what is due, carried out or looked at."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType
from typing import Annotated, Any

import typer

from service import settings
from service.cli.answer import emit
from service.cli.options import HERE, Json, LakeDir, Server

app = typer.Typer()
queue = typer.Typer(no_args_is_help=True, help="Patients who are to be derived anew, and runs that are due.")

Whom = Annotated[list[str], typer.Argument(metavar="PATIENT...", help="Patient/ID, or the ID alone.")]


@app.command()
def worker(
    server: Annotated[str | None, typer.Argument(metavar="[SERVER]", help="Its jobs alone; else of all.")] = None,
    once: Annotated[bool, typer.Option("--once", help="End when nothing is due any more.")] = False,
    lake: LakeDir = HERE,
) -> None:
    """Carry out what is due, until SIGTERM: the job under way is ended first. Start as many as you like.

    personalize worker hospital
    """
    from service import working
    from service.jobs.logs import structured
    from service.tracing import traced

    structured()
    config = settings.load()
    sources = working.configured(config, server)
    with traced(config.traces_url, config.installation), working.worker(lake, config, sources) as at_work:

        def end(_signal: int, _frame: FrameType | None) -> None:
            at_work.over.set()

        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, end)
        if once:
            at_work.until_idle()
        else:
            at_work.work()


@queue.command()
def ask(server: Server, patients: Whom, lake: LakeDir = HERE, json: Json = False) -> None:
    """Patients of SERVER whose visits or claims changed: each is derived once, soon after the last time it is asked.

    personalize jobs ask hospital 4711
    """
    from service import working
    from service.report.explain import patient_key

    config = settings.load()
    [source] = working.configured(config, server)
    with working.queue(lake, config) as opened:
        count = opened.ask(source.id, "patient", map(patient_key, patients))
    emit({"asked": count}, [f"{count:,} put down"], json)


@queue.command(name="list")
def listed(server: Server, lake: LakeDir = HERE, json: Json = False) -> None:
    """What waits, what is under way, and what was set aside and why.

    personalize jobs list hospital
    """
    from service import working

    config = settings.load()
    [source] = working.configured(config, server)
    with working.queue(lake, config) as opened:
        told = {**vars(opened.counts(source.id)), "set_aside": opened.aside(source.id)}
    emit(told, _lines(told), json)


@queue.command()
def retry(
    server: Server,
    patient: Annotated[str | None, typer.Argument(help="Patient/ID, or the ID alone; without it all.")] = None,
    lake: LakeDir = HERE,
    json: Json = False,
) -> None:
    """What was set aside is tried again, as if for the first time.

    personalize jobs retry hospital
    """
    from service import working
    from service.report.explain import patient_key

    config = settings.load()
    [source] = working.configured(config, server)
    with working.queue(lake, config) as opened:
        count = opened.retry(source.id, patient_key(patient) if patient else None)
    emit({"retried": count}, [f"{count:,} due again"], json)


def _lines(told: dict[str, Any]) -> Iterator[str]:
    yield f"waiting    {told['waiting']:,}, the oldest for {told['oldest']:.0f} s"
    yield f"under way  {told['running']:,}"
    yield f"set aside  {told['aside']:,}"
    for each in told["set_aside"]:
        yield f"  {each['kind']} {each['patient']}: {each['said']} ({each['tries']} tries)"
