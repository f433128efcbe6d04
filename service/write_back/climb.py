"""One patient's line in, what was written of it out, on the highest rung that this server turns out to take.

Until a kind of resource was written and read back, one patient at a time is written with it: then the others follow.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from service.errors import ServerProblem
from service.settings import WriteRung
from service.write_back.deliver import Delivery, SetAside
from service.write_back.ladder import Ladder, Lie, Moved
from service.write_back.plan_file import Line
from service.write_back.puts import Puts
from service.write_back.reconcile import unkept
from service.write_back.sending import Put

NEVER = {"If-Match": 'W/"999999"'}


class NothingTaken(Exception):
    """No rung is left; the text says why."""


@dataclass
class Climb:
    delivery: Delivery
    ladder: Ladder
    puts: Puts
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def line(self, line: Line, *, careful: bool) -> list[Put]:
        """Goes down as many rungs as it takes. SetAside: this patient alone was refused, or cannot be written now."""
        wrote: list[Put] = []
        while self.ladder.rung != "none":
            rung, puts = self.ladder.rung, self.puts.of(line)
            try:
                await self._delivered(line.patient, puts, wrote, rung, careful=careful)
                return wrote
            except Moved:
                continue
            except Lie as lie:
                self._never_written(line.patient, lie.resource_type)
                wrote = [put for put in wrote if put.type != lie.resource_type]
                self.ladder.lied(lie)
            except SetAside as why:
                types = {put.type for put in puts}
                if not self.ladder.refused(why.refused, why.resource_type, types) and self.ladder.rung == rung:
                    raise
            careful = True
        raise NothingTaken("; ".join(self.ladder.notes))

    async def _delivered(
        self, patient: str | None, puts: list[Put], wrote: list[Put], rung: WriteRung, *, careful: bool
    ) -> None:
        types = {put.type for put in puts}
        if self.ladder.doubts(types):
            async with self._one_at_a_time:
                if self.ladder.rung != rung:
                    raise Moved
                if self.ladder.doubts(types):
                    await self._doubted(patient, puts, wrote, careful=careful)
                    return
        await self.delivery.patient(patient, puts, wrote, careful=careful)

    async def _doubted(self, patient: str | None, puts: list[Put], wrote: list[Put], *, careful: bool) -> None:
        """Piece by piece, each read back before what refers to it is sent; a Patient is the last to be touched."""
        while puts:
            piece = self.delivery.sender.first([put for put in puts if put.type != "Patient"] or puts)
            written = len(wrote)
            await self.delivery.patient(patient, piece, wrote, careful=careful)
            await self._read_back(wrote[written:])
            self.ladder.held({put.type for put in piece})
            puts = puts[len(piece) :]

    async def _read_back(self, wrote: list[Put]) -> None:
        """Whether what was answered as done is done."""
        for put in await unkept(wrote, self.delivery.sender, self.delivery.as_of):
            if put.type not in self.ladder.proven:
                raise Lie(put.type)

    def _never_written(self, patient: str | None, resource_type: str) -> None:
        """What the catalog took for done is not."""
        catalog, run = self.delivery.catalog, self.delivery.run
        writes = [each for each in catalog.writes(run, patient) if each.resource.startswith(f"{resource_type}/")]
        catalog.settle((each.id, "failed", None) for each in writes)

    async def device(self, device: Put, *, careful: bool) -> list[Put]:
        """Panels and Provenances name it. Raises ServerProblem where it is not taken and no rung does without it."""
        try:
            wrote: list[Put] = []
            await self._delivered(None, [device], wrote, self.ladder.rung, careful=careful)
            return wrote
        except Lie as lie:
            self._never_written(None, "Device")
            self.ladder.lied(lie)
            return self._without_device(str(lie), lie)
        except SetAside as why:
            if not self.ladder.no_device(why.refused):
                self.ladder.rung = "none"
            self.delivery.sender.manner.takes_no_device()
            return self._without_device(str(why), why)

    def _without_device(self, said: str, cause: Exception) -> list[Put]:
        if self.ladder.rung != "none":
            return []
        raise ServerProblem(
            f"it does not take our Device, so nothing was written: {said}",
            where=self.delivery.sender.server.base,
            do="ask its owner to allow Device, Observation and Provenance",
        ) from cause

    async def if_match(self, device: Put) -> None:
        """Whether this server minds If-Match at all, asked of our own Device with a version that it never had.

        Where it does not, a change that a person makes to a Patient in that moment would be lost: Patients are left.
        """
        if self.ladder.rung != "patient" or self.ladder.minds_if_match:
            return
        standing = await self.delivery.sender.server.read(device.reference)
        if standing is None:
            return
        try:
            answer = await self.delivery.sender.server.write("PUT", device.reference, device.body, NEVER)
        except ServerProblem:
            self.ladder.minded_if_match()
        else:
            self.ladder.ignores_if_match(f"a version that never was is answered with {answer.status}")
