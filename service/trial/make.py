"""Invented resources in, they stand on the server out: each recorded in the lake before it is sent."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from service.errors import Refused, ServerProblem
from service.pull import Progress
from service.server.client import FhirServer
from service.server.crew import each
from service.server.quirks import IF_NONE_MATCH_IGNORED
from service.trial.patience import patiently
from service.trial.people import Invented
from service.trial.record import Made, Record
from service.write_back.standing import head, read

ASSIGNS_IDS = (400, 404, 405, 422)


async def make(server: FhirServer, record: Record, resources: Iterable[Invented], progress: Progress) -> None:
    """What refers to nothing first. ServerProblem ends it; what was made by then is on record."""
    making = _Making(server, record.name, await _only_new(server), progress)
    for _, group in groupby(resources, key=lambda one: one.level):
        together = list(group)
        record.note(Made(one.reference, one.level) for one in together)
        await each(iter(together), making.one, workers=server.in_flight)


async def _only_new(server: FhirServer) -> dict[str, str]:
    """The header under which a PUT replaces nothing."""
    ignored = IF_NONE_MATCH_IGNORED in (await server.metadata()).capability.quirks
    return {"If-Match": 'W/"0"'} if ignored else {"If-None-Match": "*"}


class _Making:
    def __init__(self, server: FhirServer, name: str, only_new: dict[str, str], progress: Progress) -> None:
        self._server, self._name, self._only_new, self._progress = server, name, only_new, progress

    async def one(self, resource: Invented) -> None:
        try:
            await patiently(lambda: self._sent(resource))
        except Refused as error:
            if error.status not in ASSIGNS_IDS:
                raise
            raise ServerProblem(
                f"it does not take a resource under an id of ours, so nothing can be tried there: {error.what}",
                where=self._server.base,
                do="name a sandbox that allows update as create",
            ) from error
        self._progress("make patients", 1)

    async def _sent(self, resource: Invented) -> None:
        try:
            await self._server.write("PUT", resource.reference, resource.body, self._only_new)
        except ServerProblem:
            standing = await read(self._server, resource.reference)
            if standing is None or not head(standing.body).bears(self._name):
                raise
