"""In: outpatient visits of a year. Out: the indices of continuity and fragmentation, exact or unknown.

UPC: Breslau and Reeb 1975. COC: Bice and Boxerman 1977. SECON: Steinwachs 1979. MMCI: Magill and Senf 1987.
"""

from collections import Counter
from collections.abc import Callable, Collection
from fractions import Fraction
from itertools import pairwise

from .visits import Visit

ENOUGH = Fraction(80, 100)
Seen = Callable[[Visit], str | None]


def days_with(visits: Collection[Visit], seen: Seen) -> list[str] | None:
    """Whom or what a patient saw, once a day each, in order.

    Unknown with fewer than two, or when too few of the visits say it.
    """
    known = sorted((each.start, each.id, who, each.day) for each in visits if (who := seen(each)))
    if not visits or Fraction(len(known), len(visits)) < ENOUGH:
        return None
    once_a_day = dict.fromkeys((who, day) for _, _, who, day in known)
    return [who for who, _ in once_a_day] if len(once_a_day) >= 2 else None


def clinician_days(visits: Collection[Visit]) -> Counter[str] | None:
    """Days with each clinician."""
    days = days_with(visits, lambda each: each.clinician)
    return Counter(days) if days else None


def upc(days: Counter[str] | None) -> Fraction | None:
    """max n_i / N."""
    return Fraction(max(days.values()), days.total()) if days else None


def coc(days: Counter[str] | None) -> Fraction | None:
    """(sum n_i^2 - N) / (N (N - 1))."""
    if not days:
        return None
    n = days.total()
    return Fraction(sum(each**2 for each in days.values()) - n, n * (n - 1))


def fci(days: list[str] | None) -> Fraction | None:
    """1 - COC."""
    index = coc(Counter(days)) if days else None
    return None if index is None else 1 - index


def secon(days: list[str] | None) -> Fraction | None:
    """Adjacent pairs that are the same / (N - 1)."""
    return Fraction(sum(one == next_one for one, next_one in pairwise(days)), len(days) - 1) if days else None


def hhi(days: Counter[str] | None) -> Fraction | None:
    """Sum (n_i / N)^2."""
    return sum((Fraction(each, days.total()) ** 2 for each in days.values()), Fraction(0)) if days else None


def mmci(days: Counter[str] | None) -> Fraction | None:
    """(1 - M / (N + 0.1)) / (1 - 1 / (N + 0.1))."""
    if not days:
        return None
    n = days.total() + Fraction(1, 10)
    return (1 - len(days) / n) / (1 - 1 / n)


def usual(days: list[str] | None) -> tuple[str | None, int | None, int | None]:
    """The most frequent one, the smallest among equals; how often; of how many."""
    if not days:
        return None, None, None
    seen = Counter(days)
    mode = min(seen, key=lambda each: (-seen[each], each))
    return mode, seen[mode], len(days)
