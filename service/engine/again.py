"""A question that was asked of one engine in, the same asked of the next without being written again.

What a stage tells DuckDB is the same whoever it is about, as long as it is asked alike: by the same rules, as of the
same instant. Ibis takes three times as long to write it as DuckDB to answer it for a few patients. So what was told is
kept, with the answers that decided how it went on; others lead another way, which is written and kept as well.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

E = TypeVar("E", contravariant=True)
# How many may be kept of one question, and of all; a derivation's takes about half a megabyte.
WAYS, ALL_WAYS = 24, 128


class Step(Protocol[E]):
    """Something told to an engine. Two that are equal say the same."""

    def on(self, engine: E, /) -> Any:
        """What is answered; None where nothing that comes after may rest on it."""


class Other(Exception):
    """A question that is not what it was, though all answers are."""


@dataclass
class Journal(Generic[E]):
    """What was told and answered so far; of that which is `done` already nothing is told twice."""

    done: list[tuple[Step[E], Any]] = field(default_factory=list)
    place: int = 0
    repeatable: bool = True

    def from_the_start(self) -> Journal[E]:
        self.place = 0
        return self

    def tell(self, step: Step[E], engine: E) -> Any:
        if self.place == len(self.done):
            self.done.append((step, step.on(engine)))
        self.place += 1
        told, answer = self.done[self.place - 1]
        if told != step:
            raise Other
        return answer


@dataclass(frozen=True)
class Way(Generic[E]):
    """`names`: how many tables had been named at its end."""

    told: tuple[tuple[Step[E], Any], ...]
    result: Any
    names: int


class Again(Generic[E]):
    """Of one process, for all its threads."""

    def __init__(self) -> None:
        self._ways: OrderedDict[Hashable, list[Way[E]]] = OrderedDict()
        self._lock = Lock()

    def follow(self, key: Hashable, engine: E) -> tuple[Way[E] | None, Journal[E]]:
        """The way that the answers lead; None where they lead where nobody has been, as far as the journal tells."""
        journal: Journal[E] = Journal()
        with self._lock:
            left = list(self._ways.get(key, ()))
            if left:
                self._ways.move_to_end(key)
        while left:
            place = len(journal.done)
            if place == len(left[0].told):
                return left[0], journal
            answer = journal.tell(left[0].told[place][0], engine)
            left = [way for way in left if way.told[place][1] == answer]
        return None, journal

    def keep(self, key: Hashable, journal: Journal[E], result: Any, names: int) -> None:
        with self._lock:
            ways = self._ways.setdefault(key, [])
            self._ways.move_to_end(key)
            ways.append(Way(tuple(journal.done), result, names))
            del ways[:-WAYS]
            while sum(map(len, self._ways.values())) > ALL_WAYS:
                self._ways.popitem(last=False)
