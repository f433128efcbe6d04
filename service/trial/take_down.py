"""The record of a trial in, nothing of it left on the server out: what refers to others goes before them.

Only what is on record and still bears the trial's tag is deleted; whatever else is met is left, and told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

import sqlalchemy as sa

from service.catalog import Catalog
from service.compose.canonical import INSTALLATION
from service.errors import ServerProblem
from service.pull import Progress
from service.server.client import FhirServer
from service.server.crew import each
from service.server.search import pages
from service.tables import names, written
from service.trial.patience import patiently
from service.trial.record import Made, Record
from service.write_back.standing import head, read

# What the pipeline writes refers to what was made, and in this order to each other.
OURS = ("Provenance", "Flag", "DocumentReference", "Observation", "Device")
PASSES = 2  # a write that was under way when all ended may arrive after it was looked for


@dataclass
class TakenDown:
    """Resources `deleted` by type, and what is `left` with the reason why."""

    deleted: Counter[str] = field(default_factory=Counter)
    left: dict[str, str] = field(default_factory=dict)


async def take_down(server: FhirServer, record: Record, progress: Progress) -> TakenDown:
    """A second time it does what is left to do."""
    taking, order = _Taking(server, record.name, progress), _order(record)
    for _ in range(PASSES):
        taking.told.left.clear()
        for _, group in groupby(order, key=lambda made: (made.level, _rank(made))):
            await each(iter(list(group)), taking.one, workers=server.in_flight)
        found = await _found(server, record.name, order)
        if not found:
            break
    for reference in found:
        taking.told.left.setdefault(reference, "a search still finds it")
    return taking.told


def _order(record: Record) -> list[Made]:
    """Highest level first; what the pipeline wrote stands above all."""
    made = record.made()
    top = max((one.level for one in made), default=0) + 1
    everything = dict.fromkeys([*(Made(reference, top) for reference in _written(record)), *made])
    return sorted(everything, key=lambda one: (-one.level, _rank(one)))


def _rank(made: Made) -> int:
    kind = made.reference.partition("/")[0]
    return OURS.index(kind) if kind in OURS else len(OURS)


def _written(record: Record) -> list[str]:
    """By the trial's own catalog, whatever became of it; its Patients are those that were made."""
    if not record.lake.catalog.is_file():
        return []
    with Catalog.open(record.lake.catalog) as catalog, catalog.engine.connect() as tx:
        sent = set(tx.execute(sa.select(written.c.resource)).scalars())
        sent |= set(tx.execute(sa.select(names.c.theirs)).scalars())
    return sorted(each for each in sent if not each.startswith("Patient/"))


class _Taking:
    def __init__(self, server: FhirServer, name: str, progress: Progress) -> None:
        self._server, self._name, self._progress = server, name, progress
        self.told = TakenDown()

    async def one(self, made: Made) -> None:
        try:
            await patiently(lambda: self._deleted(made.reference))
        except ServerProblem as error:
            self.told.left[made.reference] = error.what
        self._progress("take down", 1)

    async def _deleted(self, reference: str) -> None:
        standing = await read(self._server, reference)
        if standing is None:
            return
        if not head(standing.body).bears(self._name):
            self.told.left[reference] = "it no longer bears the trial's tag, so it is somebody's own by now"
            return
        guard = {"If-Match": f'W/"{standing.version}"'} if standing.version else {}
        await self._server.write("DELETE", reference, headers=guard)
        self.told.deleted[reference.partition("/")[0]] += 1


async def _found(server: FhirServer, name: str, order: Iterable[Made]) -> list[str]:
    """Whatever bears the trial's tag, asked of the server and not of our record."""
    found: list[str] = []
    for kind in sorted({one.reference.partition("/")[0] for one in order}):
        async for page in pages(server, kind, {"_tag": f"{INSTALLATION}|{name}", "_count": "100"}):
            found += [f"{kind}/{one.id}" for one in map(head, page.resources) if one.bears(name)]
    return found
