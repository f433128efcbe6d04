"""Intents whose answer was never seen in, their fate out: read from the server, never guessed."""

from __future__ import annotations

from service.catalog import Catalog, Run, Write
from service.compose.content import fingerprint, identical, parse
from service.errors import WrongUsage
from service.server.client import FhirServer
from service.write_back.patient import borne, decoded
from service.write_back.standing import Standing, read


async def recover(server: FhirServer, catalog: Catalog, source: str) -> None:
    """After a kill between a write and its record: done when it stands there, else failed.

    Of runs at this address only: another server cannot say what became of what was sent elsewhere.
    """
    for write in catalog.unanswered(source, server.base):
        standing = await read(server, write.resource)
        if stands_as_left(write, standing):
            catalog.settle([(write.id, "done", _version_made(write, standing))])
        else:
            catalog.settle([(write.id, "failed", None)])


def _version_made(write: Write, standing: Standing | None) -> str | None:
    """Of a Patient only the extension was kept: whether this very version is ours, nobody can tell any more."""
    return None if standing is None or write.resource.startswith("Patient/") else standing.version


def same_server(run: Run, server: FhirServer) -> None:
    """A source is a name: it may lead elsewhere by now, where nothing of this run stands."""
    if run.base != server.base:
        raise WrongUsage(
            f"run {run.run} is of {run.base}, and its source leads to {server.base} by now",
            do="give the source its address of that run again, or begin a new run",
        )


def stands_as_left(write: Write, standing: Standing | None) -> bool:
    """Whether what stands is, to the letter, what this write left."""
    if write.resource.startswith("Patient/"):
        return standing is not None and same_borne(write.after, standing)
    if write.after is None:
        return standing is None
    return standing is not None and fingerprint(standing.content).encode() == write.after


def stands(kept: bytes | None, standing: Standing | None) -> bool:
    """Whether what stands is, to the letter, the resource that the catalog kept."""
    return kept is not None and standing is not None and identical(parse(kept), standing.content)


def same_borne(kept: bytes | None, standing: Standing) -> bool:
    """Whether the Patient bears what the catalog kept of it; its place in the array is no matter."""
    wanted, present = decoded(kept), borne(standing.body)
    if wanted is None or present is None:
        return wanted is present
    return wanted.content == present.content
