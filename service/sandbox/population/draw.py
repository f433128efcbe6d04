"""A random generator in, the shapes of chance that a population needs out."""

from __future__ import annotations

from bisect import bisect
from datetime import datetime, timedelta
from itertools import accumulate
from math import exp
from random import Random
from typing import Any, Generic, TypeVar

Choice = TypeVar("Choice")


class Weighted(Generic[Choice]):
    """A choice by weight; the weights need not add up to one."""

    def __init__(self, weights: dict[Choice, float]) -> None:
        self._choices = list(weights)
        self._bounds = list(accumulate(weights.values()))

    def pick(self, rng: Random) -> Choice:
        return self._choices[bisect(self._bounds, rng.random() * self._bounds[-1], hi=len(self._choices) - 1)]


def lognormal(rng: Random, median: float, spread: float, lowest: float, highest: float) -> float:
    """A heavy-tailed amount around its median."""
    return min(max(median * exp(spread * rng.gauss(0.0, 1.0)), lowest), highest)


def meta(updated: datetime, security: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    stamped: dict[str, Any] = {"versionId": "1", "lastUpdated": updated.isoformat(timespec="milliseconds")}
    return stamped | {"security": security} if security else stamped


def within(rng: Random, start: datetime, end: datetime) -> datetime:
    """A whole minute from [start, end)."""
    return start + timedelta(minutes=int(rng.random() * ((end - start) // timedelta(minutes=1))))
