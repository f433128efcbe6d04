"""Conditions of SQL with their values, put together without ever writing a value into the text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

Value = str | int


@dataclass(frozen=True)
class Condition:
    sql: str
    values: tuple[Value, ...] = ()

    @property
    def negated(self) -> Condition:
        return Condition(f"NOT ({self.sql})", self.values)


ALL = Condition("1")
NONE = Condition("0")


def every(conditions: Iterable[Condition]) -> Condition:
    return _joined(" AND ", list(conditions), ALL)


def either(conditions: Iterable[Condition]) -> Condition:
    return _joined(" OR ", list(conditions), NONE)


def _joined(word: str, conditions: list[Condition], empty: Condition) -> Condition:
    if not conditions:
        return empty
    values = tuple(chain.from_iterable([each.values for each in conditions]))
    return Condition(_text(word, tuple([each.sql for each in conditions])), values)


@lru_cache(maxsize=1024)
def _text(word: str, conditions: tuple[str, ...]) -> str:
    """Most requests put the same ones together; their values stand beside them."""
    return word.join(f"({each})" for each in conditions)
