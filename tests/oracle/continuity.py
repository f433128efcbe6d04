"""In: outpatient visits of a year. Out: UPC (Breslau and Reeb 1975), COC (Bice and Boxerman 1977), exact or unknown."""

from collections import Counter
from collections.abc import Collection
from fractions import Fraction

from .visits import Visit

ATTRIBUTED = Fraction(80, 100)


def clinician_days(visits: Collection[Visit]) -> Counter[str] | None:
    """Days with each clinician. Unknown with fewer than two, or when too few of the visits name their clinician."""
    known = [visit for visit in visits if visit.clinician]
    if not visits or Fraction(len(known), len(visits)) < ATTRIBUTED:
        return None
    pairs = {(visit.clinician or "", visit.day) for visit in known}
    return Counter(who for who, _ in pairs) if len(pairs) >= 2 else None


def upc(days: Counter[str] | None) -> Fraction | None:
    """max n_i / N."""
    return Fraction(max(days.values()), days.total()) if days else None


def coc(days: Counter[str] | None) -> Fraction | None:
    """(sum n_i^2 - N) / (N (N - 1))."""
    if not days:
        return None
    n = days.total()
    return Fraction(sum(each**2 for each in days.values()) - n, n * (n - 1))
