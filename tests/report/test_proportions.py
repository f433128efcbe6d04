"""Wilson's interval against published numbers; the ratio against what it must do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.report.proportions import ratio, wilson


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [  # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_published(part, whole, low, high):
    interval = wilson(part, whole)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@given(st.integers(1, 500), st.integers(1, 500), st.integers(11, 500), st.integers(0, 500))
def test_a_ratio_lies_in_its_interval(part, more, best_part, best_more):
    whole, best_whole = part + more, best_part + best_more
    interval = ratio(part, whole, best_part, best_whole)
    middle = (part / whole) / (best_part / best_whole)
    assert 0 <= interval.low <= middle * 1.000001 and middle <= interval.high * 1.000001


def test_twice_the_patients_tell_more():
    few, many = ratio(15, 50, 30, 50), ratio(30, 100, 60, 100)
    assert few.low < many.low < 0.5 < many.high < few.high


def test_none_of_many_is_far_from_all():
    assert ratio(0, 100, 100, 100).high < 0.05
