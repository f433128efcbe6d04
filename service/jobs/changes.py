"""A source in, the patients of whose visits and claims something changed since we last looked put into the queue out.

This is what polling is, what a notification without a payload asks for, and what makes up for notifications that were
lost: the server's own `_lastUpdated`, from a little before the last look. Changes of a Patient alone wait for the
next run of all: they come back to us as news whenever we write there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import msgspec
import sqlalchemy as sa

from service.errors import NotPermitted, Refused
from service.jobs.queue import Queue
from service.pull import READ_BY_PATIENT
from service.references import named
from service.server.client import FhirServer
from service.server.search import pages
from service.server.stated import Statements
from service.settings import Source
from service.tables import heard, watermarks

NOT_OFFERED = (403, 404)


class _Reference(msgspec.Struct):
    reference: str = ""


class _Owned(msgspec.Struct):
    """Encounter and Condition name their patient `subject`, the others `patient`."""

    subject: _Reference = msgspec.field(default_factory=_Reference)
    patient: _Reference = msgspec.field(default_factory=_Reference)


_owned = msgspec.json.Decoder(_Owned)


async def look(queue: Queue, source: Source, statements: Statements) -> int:
    """How many patients were put down; all of the source is asked for where it was never read."""
    since = _until(queue, source)
    async with FhirServer(source, statements) as server:
        stated = await server.stated()
        begun = stated.now()
        if since is None:
            queue.ask(source.id, "incremental", at_once=True)
            found: set[str] = set()
        else:
            offered = [each for each in READ_BY_PATIENT if stated.capability.states(each)]
            found = {who for each in offered for who in await _changed(server, each, since)}
    queue.ask(source.id, "patient", sorted(found), at_once=True)
    _heard(queue, source, begun)
    return len(found)


def look_from(queue: Queue, source: Source, moment: dt.datetime) -> None:
    """Where nothing was ever read whole, what is told of from here on is the first that is looked for."""
    if _until(queue, source) is None:
        _heard(queue, source, moment)


def patient_of(resource: bytes, source: Source) -> str | None:
    """`Patient/id` whom a resource is about, as far as it says so in this source's own words."""
    try:
        owned = _owned.decode(resource)
    except msgspec.MsgspecError:
        return None
    kind, name = named(owned.subject.reference or owned.patient.reference, source.bases)
    return f"Patient/{name}" if kind == "Patient" and name else None


async def _changed(server: FhirServer, resource_type: str, since: dt.datetime) -> set[str]:
    moment = (since - dt.timedelta(seconds=server.source.overlap)).astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked = {"_lastUpdated": f"ge{moment}", "_count": str(server.source.page_size)}
    found: set[str] = set()
    try:
        async for page in pages(server, resource_type, asked):
            found.update(_patients(page.resources, server.source))
    except (NotPermitted, Refused) as error:
        if error.status not in NOT_OFFERED:
            raise
    return found


def _patients(resources: list[bytes], source: Source) -> Iterator[str]:
    for each in resources:
        if patient := patient_of(each, source):
            yield patient


def _until(queue: Queue, source: Source) -> dt.datetime | None:
    """When we looked last, or where we never did the beginning of the newest pull of all of it."""
    chosen = sa.select(heard.c.until).where(heard.c.source == source.id, heard.c.base == source.url)
    pulled = sa.select(sa.func.min(watermarks.c.at))
    pulled = pulled.where(watermarks.c.source == source.id, watermarks.c.base == source.url)
    with queue.engine.connect() as connection:
        until = connection.execute(chosen).scalar() or connection.execute(pulled).scalar()
    return dt.datetime.fromisoformat(until) if until else None


def _heard(queue: Queue, source: Source, until: dt.datetime) -> None:
    row = {"source": source.id, "base": source.url, "until": until.isoformat()}
    new = queue.inserting(heard).values(**row)
    with queue.engine.begin() as tx:
        tx.execute(new.on_conflict_do_update(index_elements=["source", "base"], set_={"until": row["until"]}))
