"""Counts in, shares with their uncertainty out.

Wilson 1927 for one share; for the ratio of two the closed form of Donner and Zou (2012, "MOVER") on their Wilson
intervals.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

Z = 1.959964  # 95 %


@dataclass(frozen=True)
class Interval:
    low: float
    high: float


def wilson(part: int, whole: int) -> Interval:
    share, square = part / whole, Z * Z
    centre = (share + square / (2 * whole)) / (1 + square / whole)
    half = Z / (1 + square / whole) * sqrt(share * (1 - share) / whole + square / (4 * whole * whole))
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def ratio(part: int, whole: int, best_part: int, best_whole: int) -> Interval:
    """Of the share part / whole to the share best_part / best_whole, which is not 0."""
    p, q = part / whole, best_part / best_whole
    mine, best = wilson(part, whole), wilson(best_part, best_whole)
    upper = best.low * (2 * q - best.low)
    lower = best.high * (2 * q - best.high)
    room = mine.low * (2 * p - mine.low)
    low = (p * q - sqrt(max(0.0, (p * q) ** 2 - room * lower))) / lower if lower > 0 else 0.0
    high = (p * q + sqrt(max(0.0, (p * q) ** 2 - mine.high * (2 * p - mine.high) * upper))) / upper
    return Interval(max(0.0, low), high)
