"""Place, midrank percentile and outlier: the worked answers O14 and O16, and where nothing can be told."""

import pytest

from service.report.standing import FENCE, MODIFIED_Z, judged, placed, spread

from .runs import engine

O14 = [100, 120, 130, 150, 160, 170, 200, 240, 300, 9000]
O16 = [5, 5, 5, 9]


def told(folder, values):
    """(what spread says, [row by value, then patient])"""
    with engine(folder) as at:
        rows = at.load(
            [{"patient": f"p{n:02}", "unit": "1", "value": str(value)} for n, value in enumerate(values)],
            {"patient": "string", "unit": "string", "value": "decimal(38, 6)"},
        )
        spreads = spread(rows, at, "unit")
        standing = judged(placed(rows, "unit"), spreads, "unit")
        return at.row(spreads), list(at.rows(standing.order_by("patient")))


def test_o14_median_mad_and_modified_z(tmp_path):
    spreads, rows = told(tmp_path, O14)
    assert (spreads["median"], spreads["mad_raw"]) == (165, 40)
    assert round(0.6745 * (9000 - 165) / spreads["mad_raw"], 2) == 148.98
    assert (rows[-1]["statistic"], rows[-1]["score"], rows[-1]["bound"], rows[-1]["outlier"]) == (
        MODIFIED_Z, 9.76, 3.5, True,
    )  # fmt: skip
    assert [row["outlier"] for row in rows[:-1]] == [False] * 9


def test_o14_the_fence_with_inclusive_quartiles(tmp_path):
    spreads, _ = told(tmp_path, O14)
    assert spreads["q3"] + 1.5 * (spreads["q3"] - spreads["q1"]) == 372.5


def test_o16_midrank_percentiles_and_shared_places(tmp_path):
    _, rows = told(tmp_path, O16)
    assert [row["percentile"] for row in rows] == [0.375, 0.375, 0.375, 0.875]
    assert [row["place"] for row in rows] == [2, 2, 2, 1]


def test_where_more_than_half_are_equal_the_fence_decides(tmp_path):
    _, rows = told(tmp_path, [5, 5, 5, 5, 5, 6, 6, 40])
    assert {row["statistic"] for row in rows} == {FENCE}
    assert [row["outlier"] for row in rows] == [False] * 7 + [True]
    assert rows[-1]["bound"] == 6 + 1.5 * 1


def test_where_three_quarters_are_equal_it_is_unknown(tmp_path):
    _, rows = told(tmp_path, [*O16, 5, 5, 5])
    assert {(row["statistic"], row["score"], row["outlier"]) for row in rows} == {(None, None, None)}


@pytest.mark.parametrize("values", [[7], [0, 0], [-20, 3, 4, 5]])
def test_few_and_negative_values_break_nothing(tmp_path, values):
    _, rows = told(tmp_path, values)
    assert len(rows) == len(values)


def test_the_lower_side_is_never_an_outlier(tmp_path):
    _, rows = told(tmp_path, [0, 900, 910, 920, 930, 940])
    assert rows[0]["score"] < -3.5 and rows[0]["outlier"] is False
