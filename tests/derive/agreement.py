"""In: what stands in the lake, and what the oracle answers. Out: where they differ, and how much was compared."""

from collections import Counter
from decimal import Decimal
from fractions import Fraction

from .lakes import MONEY

HALF = Fraction(1, 2_000_000)  # values are stored with six decimal places


def comparisons(derived, expected):
    """(patient, code, what, ours, the oracle's, whether they agree) of every value, basis and mode."""
    assert set(derived.profiles) == set(expected)
    for who, answer in expected.items():
        for code, theirs in answer.measures.items():
            rows = derived.measures[who, code]
            ours = stored(code, rows)
            yield who, code, "value", ours, theirs, same(ours, theirs)
            if code in answer.modes:
                yield who, code, "mode", rows[0]["mode"], answer.modes[code], rows[0]["mode"] == answer.modes[code]
            if theirs is not None:
                yield from bases(who, code, rows[0], theirs, answer.bases.get(code))


def stored(code, rows):
    """What measures.parquet says: a number, a date, {currency: amount}; None where it is unknown."""
    if code.startswith(MONEY):
        return None if rows[0]["unknown"] else {row["unit"]: row["value"] for row in rows if row["unit"] != "XXX"}
    (row,) = rows
    return row["date"] or row["value"]


def same(ours, theirs):
    """Equal; a ratio, to the last place that is stored."""
    if isinstance(theirs, dict) or isinstance(ours, dict):
        return ours == theirs
    if isinstance(theirs, Fraction | Decimal) and isinstance(ours, Decimal):
        return abs(Fraction(ours) - Fraction(theirs)) <= HALF
    return ours == theirs


def bases(who, code, row, theirs, basis):
    """Numerator and denominator: those that the oracle counts must be equal, those of an index give its value."""
    ours = row["numerator"], row["denominator"]
    if basis is not None:
        for what, mine, other in zip(("numerator", "denominator"), ours, basis, strict=True):
            yield who, code, what, mine, other, other is None or mine == other
    elif isinstance(theirs, Fraction):
        ratio = Fraction(*ours) if None not in ours and ours[1] else None
        yield who, code, "ratio", ratio, theirs, ratio == theirs


def agreed(derived, expected, title):
    """Fails on the first differences; prints how many values were compared, and how many are above zero."""
    compared = list(comparisons(derived, expected))
    values = [each for each in compared if each[2] == "value"]
    above = Counter(code for _, code, _, _, theirs, _ in values if is_above_zero(theirs))
    above += Counter(code for _, code, what, _, theirs, _ in compared if what == "mode" and theirs and not above[code])
    print(f"{title}: {len(compared)} compared, {len(values)} of them values of {len(expected)} patients,", end=" ")
    print(f"{sum(above.values())} above zero; by code: {dict(sorted(above.items()))}")
    wrong = [each[:-1] for each in compared if not each[-1]]
    assert not wrong, f"{len(wrong)} differences (patient, code, what, ours, the oracle's): {wrong[:20]}"
    return above


def is_above_zero(value):
    if isinstance(value, dict):
        return any(amount > 0 for amount in value.values())
    return value is not None and (not isinstance(value, int | Fraction | Decimal) or value > 0)
