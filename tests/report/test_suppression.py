"""Small cells are hidden, and whoever adds up what is left learns no more of them than that."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.report.suppression import Sum, suppressed

TOTAL = ("all",)


def one_way(*sizes, total=True):
    counts = {(f"s{n}",): size for n, size in enumerate(sizes)} | {TOTAL: sum(sizes)}
    shown = suppressed(counts, [Sum(TOTAL, tuple(counts)[:-1])], {TOTAL: sum(sizes)} if total else None)
    return [shown[cell] for cell in counts]


@pytest.mark.parametrize(
    ("sizes", "shown"),
    [
        ((100, 50, 11), [100, 50, 11, 161]),
        ((100, 50, 5), [100, None, None, 155]),
        ((100, 10, 10), [100, None, None, 120]),
        ((100, 50, 3, 4), [100, None, None, None, 157]),
        ((100, 50, 0), [100, 50, 0, 150]),
        ((100, 0, 5), [None, 0, None, 105]),
    ],
)
def test_cells_under_11_and_the_second_smallest_where_the_total_would_reveal_them(sizes, shown):
    assert one_way(*sizes) == shown


def test_a_small_total_is_hidden_itself():
    assert one_way(4, 3, total=False) == [None, None, None]


@given(st.lists(st.integers(0, 40), min_size=2, max_size=6).filter(lambda sizes: sum(sizes) > 10))
@settings(max_examples=1_000, deadline=None)
def test_no_small_cell_can_be_told_from_the_total(sizes):
    *shown, total = one_way(*sizes)
    hidden = [size for size, seen in zip(sizes, shown, strict=True) if seen is None]
    assert all(seen is None or seen == 0 or seen > 10 for seen in shown)
    if hidden:
        rest = total - sum(seen for seen in shown if seen is not None)
        possible = range(1, rest - (len(hidden) - 1) + 1)  # of each hidden cell, the others being at least 1
        everything = len(hidden) == sum(size > 0 for size in sizes)
        assert len(possible) >= 10 or (everything and len(possible) > 1)


ROWS = ("a", "b", "c")
TABLES = st.tuples(*(st.tuples(st.integers(0, 16), st.integers(0, 16)) for _ in ROWS))


@given(TABLES.filter(lambda table: sum(map(sum, table)) > 10))
@settings(max_examples=200, deadline=None)
def test_no_small_cell_can_be_told_from_rows_columns_and_totals_together(table):
    """Two ways and all margins: every table that fits what is shown is written out."""
    counts, sums = two_way(table)
    totals = [cell for cell in counts if cell[1] == "*"]
    decided = suppressed({cell: counts[cell] for cell in totals}, [Sum(("n", "*"), (("yes", "*"), ("no", "*")))])
    shown = suppressed(counts, sums, decided)
    assert all(seen is None or seen == 0 or seen > 10 for seen in shown.values())
    small = [cell for cell, n in counts.items() if 0 < n < 11]
    if any(shown[cell] is not None for cell in small):
        raise AssertionError("a small cell is shown")
    if not all(decided.values()):
        return  # a hidden total leaves more tables than can be written out
    seen = {cell: set() for cell in small}
    for fitting in fitting_tables(shown):
        for cell in small:
            seen[cell].add(fitting[cell])
        if all(len(values) > 1 for values in seen.values()):
            return
    assert not small


def two_way(table):
    counts = {}
    for name, (yes, no) in zip(ROWS, table, strict=True):
        counts |= {("yes", name): yes, ("no", name): no, ("n", name): yes + no}
    for kind in ("yes", "no", "n"):
        counts[kind, "*"] = sum(counts[kind, name] for name in ROWS)
    sums = [Sum(("n", name), (("yes", name), ("no", name))) for name in (*ROWS, "*")]
    sums += [Sum((kind, "*"), tuple((kind, name) for name in ROWS)) for kind in ("yes", "no", "n")]
    return counts, sums


def fitting_tables(shown):
    """Every table of whole numbers with the margins and cells shown, where a hidden cell holds somebody."""

    def rows(kind):
        total = shown[kind, "*"]
        ranges = [range(1, total + 1) if shown[kind, name] is None else [shown[kind, name]] for name in ROWS]
        return [found for found in product(*ranges) if sum(found) == total]

    for yes, no in product(rows("yes"), rows("no")):
        n = [y + o for y, o in zip(yes, no, strict=True)]
        if all(seen in (None, mine) for mine, seen in zip(n, (shown["n", name] for name in ROWS), strict=True)):
            table = dict(zip([("yes", name) for name in ROWS], yes, strict=True))
            table |= dict(zip([("no", name) for name in ROWS], no, strict=True))
            table |= dict(zip([("n", name) for name in ROWS], n, strict=True))
            yield table | {cell: seen for cell, seen in shown.items() if cell[1] == "*"}
