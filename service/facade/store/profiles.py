"""A question about one resource in, its answer out of the file in the lake."""

from __future__ import annotations

from typing import Protocol

from service.facade.search.condition import Condition
from service.facade.store.shelf import Gist, Record, Shelf


class Profiles(Protocol):
    """What is asked most, as the file tells it, see `Shelf`."""

    async def read(self, type: str, id: str, sight: Condition) -> Record | None:
        """By type and id."""

    async def profile(self, patient: str, sight: Condition) -> Record | None:
        """The profile of `Patient/id` that counts."""

    async def gist(self, patient: str) -> Gist | None:
        """What a card says of that one."""


class FromFile:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def read(self, type: str, id: str, sight: Condition) -> Record | None:
        return self._shelf.read(type, id, sight)

    async def profile(self, patient: str, sight: Condition) -> Record | None:
        return self._shelf.profile(patient, sight)

    async def gist(self, patient: str) -> Gist | None:
        return self._shelf.gist(patient)
