"""A plan file in, its writes on the server out.

What cannot be written is set aside and counted, and may be tried again. Twenty failures in a row end it, or a share of
them: then it is not about patients.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import structlog

from service.catalog import Catalog, Run
from service.compose import Identity
from service.compose.release import release_of
from service.errors import WriteRefused
from service.lake import Lake
from service.server.client import FhirServer
from service.server.egress import may_write, rung
from service.write_back.applier import Applied, Applier, Failures, Progress
from service.write_back.assigned import by_our_names
from service.write_back.climb import Climb
from service.write_back.deliver import Delivery
from service.write_back.journal import Journal
from service.write_back.ladder import STANDS_IN, Ladder
from service.write_back.limits import within_limits
from service.write_back.manner import Found, Manner
from service.write_back.own import Own
from service.write_back.plan_file import Header, Line, reading
from service.write_back.puts import Puts
from service.write_back.recover import recover, same_server
from service.write_back.remembered import Remembered
from service.write_back.removal import Removal
from service.write_back.sending import Sender
from service.write_back.standing import Lines

log = structlog.get_logger(__name__)


def _silent(_what: str, _count: int) -> None:
    """For who does not watch."""


async def apply(
    run: Run,
    server: FhirServer,
    catalog: Catalog,
    lake: Lake,
    progress: Progress = _silent,
    *,
    retry_failed: bool = False,
) -> dict[str, Any]:
    """Carries out the plan of `run`; a second time it finds everything in place and writes nothing. `retry_failed` is
    about those alone who were set aside before.

    Returns resources `written` and `removed` by type, patients by `rung`, what was `set_aside`, how many patients
    stayed `unwritten` because it `stopped`, and the words why. WriteRefused: this address may not be written to, or not
    as far as the plan goes, or the plan is not the one that was made. BeyondLimit: the plan changes too much.
    """
    same_server(run, server)
    may_write(server.source, server.loopback, run.installation)
    with reading(lake.plan(run.source, run.run), catalog.plan_digest(run.run)) as (header, lines):
        _of_this_run(header, run)
        _as_far_as_allowed(header, server)
        within_limits(header, server.source)
        if header.rung == "none" or not header.writes:
            return Applied().told()
        with Lines.open(lake.raw(run.source, run.run) / "Patient.ndjson") as patients:
            applier = await _applier(header, server, catalog, patients, progress)
            # Who is interrupted from here on needs the name to take it back.
            log.info("writing begins", run=run.run, undo=f"personalize undo {run.run}")
            catalog.applying(run.run)
            try:
                await applier.all(header, _failed(lines, applier.aside) if retry_failed else lines)
            finally:
                applier.close()
            catalog.applied(run.run)
    return applier.applied.told()


def _failed(lines: Iterator[Line], aside: set[str]) -> Iterator[Line]:
    chosen = frozenset(aside)
    return (line for line in lines if line.patient in chosen)


def _of_this_run(header: Header, run: Run) -> None:
    planned = (header.run, header.source, header.base, header.installation)
    if planned != (run.run, run.source, run.base, run.installation):
        raise WriteRefused("the plan file is that of another run", where=run.run, do="plan again")


def _as_far_as_allowed(header: Header, server: FhirServer) -> None:
    """The settings may have changed since it was planned."""
    try:
        rung(server.source, server.loopback, header.rung)
    except WriteRefused as error:
        raise WriteRefused(
            f"the plan goes as far as {header.rung}, and the source's owner allows {server.source.write} by now",
            where=server.base,
            do="plan again",
        ) from error


async def _applier(
    header: Header, server: FhirServer, catalog: Catalog, patients: Lines, progress: Progress
) -> Applier:
    capability = (await server.stated()).capability
    found = Found(catalog, header.source, header.base)
    sender = Sender(
        server,
        Manner.of(capability, found),
        by_our_names(server, catalog, header.installation, capability),
    )
    await recover(sender.server, catalog, header.source)
    patients.reads_as = sender.server.named_by_us
    remembered = Remembered(catalog, header.source, header.base)
    as_of, journal = dt.datetime.fromisoformat(header.as_of), Journal(catalog, header.run)
    delivery = Delivery(sender, catalog, header.run, as_of, remembered, journal)
    own = Own(Identity.of(header.installation, header.source), STANDS_IN.get(header.rung, ""))
    ladder = Ladder(header.rung, capability, found)
    climb = Climb(delivery, ladder, Puts(patients, own, ladder, release_of(capability.fhir_version)))
    removal = Removal(sender.server, catalog, header.run, own.identity)
    before, aside = frozenset(catalog.patients(header.run)), set(catalog.aside(header.run))
    finished = catalog.finished(header.run)
    return Applier(climb, removal, own, before | aside, finished, aside, progress, Failures(server.source))
