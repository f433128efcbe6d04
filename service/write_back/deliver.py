"""One patient's writes in, those that this run made out; each is in the catalog before it is sent.

- lost race (412, and 409 from HAPI 8.8.0): nothing was written; read again, compare, finish or try again
- no answer, a 5xx or "busy" (which a proxy may say after the work is done): unknown; read before anything else
- refused (400, 422, ...): set aside, with the server's words
"""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass

from service.catalog import Catalog, Write
from service.errors import LostRace, NotFhir, Refused, ServerBusy, ServerProblem, Unreachable
from service.server.client import LONGEST_WAIT
from service.write_back.reconcile import HandsOff, Reconciled, reconcile
from service.write_back.remembered import Remembered
from service.write_back.sending import Put, Sender

TRIES = 5
PAUSE = 0.1


class SetAside(Exception):
    """This patient was not, or not wholly, written; the text says why."""


@dataclass(frozen=True)
class Delivery:
    """Writes of one run."""

    sender: Sender
    catalog: Catalog
    run: str
    as_of: dt.datetime
    remembered: Remembered

    async def patient(self, patient: str | None, puts: list[Put], *, careful: bool) -> list[Put]:
        """`careful` reads before the first try: this run has been here before. ServerBusy: asked to wait too long."""
        wrote: list[Put] = []
        for together in self.sender.together(puts):
            attempts = _Attempts(self, patient, together)
            try:
                wrote += await attempts.until_settled(careful)
            except HandsOff as why:
                raise SetAside(str(why)) from why
            except ServerBusy:
                raise
            except ServerProblem as error:
                raise SetAside(error.what) from error
        return wrote


class _Attempts:
    """The tries at writes that belong together.

    `unknown` are intents that got no answer and were not found by reading: such a write may still arrive, later than
    the read, and what then stands is ours.
    """

    def __init__(self, delivery: Delivery, patient: str | None, puts: list[Put]) -> None:
        self._delivery, self._patient = delivery, patient
        self._open = puts
        self._unknown: dict[str, int] = {}
        self._wrote: list[Put] = []

    async def until_settled(self, careful: bool) -> list[Put]:
        last: ServerProblem | None = None
        for attempt in range(TRIES):
            if careful or attempt:
                await self._read_again()
            if not self._open:
                return self._wrote
            if (last := await self._try()) is None:
                return self._wrote
            await asyncio.sleep(_pause(last, attempt))
        await self._read_again()
        if self._open and last:
            raise SetAside(f"not written in {TRIES} tries: {last.what}")
        return self._wrote

    async def _try(self) -> ServerProblem | None:
        """None when it is written; the problem when it is worth another try."""
        delivery = self._delivery
        ids = delivery.catalog.intend(self._intent(put) for put in self._open)
        try:
            versions = await delivery.sender.send(self._open)
        except LostRace as error:
            delivery.catalog.settle((key, "failed", None) for key in ids)
            return error
        except (Unreachable, NotFhir, ServerBusy) as error:
            self._unknown |= self._by_reference(ids)
            if isinstance(error, ServerBusy) and (error.wait or 0) > LONGEST_WAIT:
                await self._unless_done(error)
                return None
            return error
        except ServerProblem as error:
            await self._refused(ids, error)
            return None
        delivery.catalog.settle((key, "done", version) for key, version in zip(ids, versions, strict=True))
        self._wrote += self._open
        return None

    async def _refused(self, ids: list[int], error: ServerProblem) -> None:
        """Some servers fail after the work is done, or in the middle of it: a 5xx is believed only after reading."""
        if not isinstance(error, Refused) or error.status < 500:
            self._delivery.catalog.settle((key, "failed", None) for key in ids)
            raise error
        self._unknown |= self._by_reference(ids)
        await self._unless_done(error)

    async def _unless_done(self, error: ServerProblem) -> None:
        await self._read_again()
        if self._open:
            raise error

    async def _read_again(self) -> None:
        delivery = self._delivery
        found = await reconcile(self._open, delivery.sender, delivery.as_of, delivery.remembered)
        self._settle_unknown(found)
        self._open = found.open

    def _settle_unknown(self, found: Reconciled) -> None:
        """What stands after a lost answer is our own write, of whichever try."""
        self._wrote += [put for put in self._open if put.reference in self._unknown and put.reference in found.stands]
        self._delivery.catalog.settle(
            (key, "done", found.stands[reference]) if reference in found.stands else (key, "failed", None)
            for reference, key in self._unknown.items()
        )
        self._unknown = {reference: key for reference, key in self._unknown.items() if reference not in found.stands}

    def _by_reference(self, ids: list[int]) -> dict[str, int]:
        return {put.reference: key for put, key in zip(self._open, ids, strict=True)}

    def _intent(self, put: Put) -> Write:
        return Write(self._delivery.run, self._patient, put.reference, put.action, put.before, put.after)


def _pause(problem: ServerProblem, attempt: int) -> float:
    asked = problem.wait if isinstance(problem, ServerBusy) else None
    return asked if asked is not None else PAUSE * 2.0**attempt
