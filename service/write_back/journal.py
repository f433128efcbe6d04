"""Writes that are about to be sent in, their numbers in the catalog out: recorded first, so that a kill loses none.

A commit costs as much as a request, so the writes of the next patients are recorded together, ahead of their turn. What
is recorded and never sent is settled as failed at the end; after a kill it is read from the server like any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from service.catalog import Catalog, Write
from service.write_back.sending import Put


@dataclass
class Journal:
    """Of one run."""

    catalog: Catalog
    run: str
    _ahead: dict[str, tuple[Put, int]] = field(default_factory=dict)

    async def ahead(self, coming: Iterable[tuple[str, Sequence[Put]]]) -> None:
        """The first tries about these patients, in one commit, while others are sent."""
        each = [(patient, put) for patient, puts in coming for put in puts]
        ids = await asyncio.to_thread(self.catalog.intend, [self._write(patient, put) for patient, put in each])
        self._ahead |= {put.reference: (put, key) for (_, put), key in zip(each, ids, strict=True)}

    def intend(self, patient: str | None, puts: Sequence[Put]) -> list[int]:
        """The number of each; those that were recorded ahead and are sent as they were then keep theirs."""
        known = [self._taken(put) for put in puts]
        others = [put for put, key in zip(puts, known, strict=True) if key is None]
        new = iter(self.catalog.intend(self._write(patient, put) for put in others) if others else ())
        return [key if key is not None else next(new) for key in known]

    def _taken(self, put: Put) -> int | None:
        recorded, key = self._ahead.pop(put.reference, (None, None))
        if key is not None and recorded != put:
            self._never_sent([key])
            return None
        return key

    def close(self) -> None:
        """What was recorded ahead and did not get its turn is known not to have been sent."""
        self._never_sent([key for _, key in self._ahead.values()])
        self._ahead.clear()

    def _never_sent(self, keys: Iterable[int]) -> None:
        self.catalog.settle(((key, "failed", None) for key in keys), soon=True)

    def _write(self, patient: str | None, put: Put) -> Write:
        return Write(self.run, patient, put.reference, put.action, put.before, put.after)
