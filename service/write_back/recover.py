"""Intents whose answer was never seen in, their fate out: read from the server, never guessed."""

from __future__ import annotations

from service.catalog import Catalog, Write
from service.compose.content import identical, parse
from service.server.client import FhirServer
from service.write_back.patient import borne, decoded
from service.write_back.standing import Standing, read


async def recover(server: FhirServer, catalog: Catalog, source: str) -> None:
    """After a kill between a write and its record: done when it stands there, else failed."""
    for write in catalog.unanswered(source):
        standing = await read(server, write.resource)
        if stands_as_left(write, standing):
            catalog.settle([(write.id, "done", standing.version if standing else None)])
        else:
            catalog.settle([(write.id, "failed", None)])


def stands_as_left(write: Write, standing: Standing | None) -> bool:
    """Whether what stands is, to the letter, what this write left."""
    if write.resource.startswith("Patient/"):
        return standing is not None and same_borne(write.after, standing)
    if standing is None or write.after is None:
        return False
    return identical(parse(write.after), standing.content)


def same_borne(kept: bytes | None, standing: Standing) -> bool:
    """Whether the Patient bears what the catalog kept of it; its place in the array is no matter."""
    wanted, present = decoded(kept), borne(standing.body)
    if wanted is None or present is None:
        return wanted is present
    return wanted.content == present.content
