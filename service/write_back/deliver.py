"""One patient's writes in, those that this run made out; each is in the catalog before it is sent.

- lost race (412, and 409 from HAPI 8.8.0): nothing was written; read again, compare, finish or try again
- no answer, a 5xx or "busy" (which a proxy may say after the work is done): unknown; read before anything else
- refused (400, 422, ...): set aside, with the server's words
- done in part, by a batch or by a server that fails in the middle: what stands is left, the rest is tried again
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from service.catalog import Catalog
from service.errors import LostRace, ServerBusy, ServerProblem
from service.server.client import LONGEST_WAIT
from service.write_back.journal import Journal
from service.write_back.reconcile import PANELS, HandsOff, Reconciled, reconcile
from service.write_back.remembered import Remembered
from service.write_back.sending import Lowered, Outcome, Put, Sender, Written, unknown

TRIES = 5
PAUSE = 0.1


class SetAside(Exception):
    """This patient was not, or not wholly, written; the text says why.

    `refused` is what the server answered, if so, and `resource_type` to what, where only one was sent.
    """

    def __init__(self, why: str, refused: ServerProblem | None = None, resource_type: str = "") -> None:
        super().__init__(why)
        self.refused, self.resource_type = refused, resource_type


@dataclass(frozen=True)
class Delivery:
    """Writes of one run."""

    sender: Sender
    catalog: Catalog
    run: str
    as_of: dt.datetime
    remembered: Remembered
    journal: Journal

    async def patient(self, patient: str | None, puts: list[Put], wrote: list[Put], *, careful: bool) -> None:
        """What is written goes into `wrote`, also where not all of it can be. ServerBusy: asked to wait too long.

        `careful` reads before the first try: this run has been here before.
        """
        together: list[Put] = []
        try:
            while puts:
                together = self.sender.first(puts)
                try:
                    await _Attempts(self, patient, together, wrote).until_settled(careful)
                except Lowered:
                    continue
                puts = puts[len(together) :]
        except HandsOff as why:
            raise SetAside(str(why)) from why
        except ServerBusy:
            raise
        except ServerProblem as error:
            raise SetAside(error.what, error, together[0].type if len(together) == 1 else "") from error


class _Attempts:
    """The tries at writes that belong together.

    `unknown` are intents that got no answer and were not found by reading: such a write may still arrive, later than
    the read, and what then stands is ours.
    """

    def __init__(self, delivery: Delivery, patient: str | None, puts: list[Put], wrote: list[Put]) -> None:
        self._delivery, self._patient = delivery, patient
        self._open = puts
        self._unknown: dict[str, int] = {}
        self._wrote = wrote

    async def until_settled(self, careful: bool) -> None:
        last: ServerProblem | None = None
        for attempt in range(TRIES):
            if careful or attempt:
                await self._read_again()
            if not self._open:
                return
            if (last := await self._try()) is None:
                return
            await asyncio.sleep(_pause(last, attempt))
        await self._read_again()
        if self._open and last:
            raise SetAside(f"not written in {TRIES} tries: {last.what}", last)

    async def _try(self) -> ServerProblem | None:
        """None when all is written; the problem when it is worth another try. Any other is raised."""
        ids = self._delivery.journal.intend(self._patient, self._open)
        try:
            outcomes = await self._delivery.sender.send(self._open)
        except Lowered:
            self._delivery.catalog.settle((key, "failed", None) for key in ids)
            raise
        self._settle(ids, outcomes)
        problems = [each for each in outcomes if isinstance(each, ServerProblem)]
        if not problems:
            return None
        refused = next((each for each in problems if not _worth_another_try(each)), None)
        if refused is None:
            return problems[0]
        if isinstance(refused, ServerBusy):
            await self._read_again()
        if self._open:
            raise refused
        return None

    def _settle(self, ids: Sequence[int], outcomes: Sequence[Outcome]) -> None:
        """Answered is answered; what got no answer stays open until it was read."""
        sent = list(zip(self._open, ids, outcomes, strict=True))
        self._unknown |= {put.reference: key for put, key, each in sent if unknown(each)}
        self._wrote += [put for put, _, each in sent if isinstance(each, Written)]
        self._open = [put for put, _, each in sent if not isinstance(each, Written)]
        self._delivery.catalog.settle(
            (
                (key, "done", each.version) if isinstance(each, Written) else (key, "failed", None)
                for _, key, each in sent
                if not unknown(each)
            ),
            soon=True,
        )

    async def _read_again(self) -> None:
        of = self._delivery
        found = await reconcile(self._open, of.sender, of.as_of, of.remembered, moved=self._moved())
        self._settle_unknown(found)
        self._open = found.open

    def _moved(self) -> bool:
        """Whether this run has written the panel, perhaps in an earlier apply."""
        writes = self._delivery.catalog.writes(self._delivery.run, self._patient) if self._patient else []
        return any(write.resource.partition("/")[0] in PANELS for write in writes if write.state == "done")

    def _settle_unknown(self, found: Reconciled) -> None:
        """What stands after a lost answer is our own write, of whichever try."""
        self._wrote += [put for put in self._open if put.reference in self._unknown and put.reference in found.stands]
        self._delivery.catalog.settle(
            (key, "done", found.stands[reference]) if reference in found.stands else (key, "failed", None)
            for reference, key in self._unknown.items()
        )
        self._unknown = {reference: key for reference, key in self._unknown.items() if reference not in found.stands}


def _worth_another_try(problem: ServerProblem) -> bool:
    if isinstance(problem, ServerBusy):
        return (problem.wait or 0) <= LONGEST_WAIT
    return isinstance(problem, LostRace) or unknown(problem)


def _pause(problem: ServerProblem, attempt: int) -> float:
    asked = problem.wait if isinstance(problem, ServerBusy) else None
    return asked if asked is not None else PAUSE * 2.0**attempt
