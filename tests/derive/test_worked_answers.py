"""The worked answers of the definitions: continuity by numbers of visits with each clinician."""

from fractions import Fraction

import pytest
from oracle.histories import encounter, patient, seen_by

from .lakes import profiled

# Visits with each clinician, UPC, COC.
ANSWERS = {
    "O1": ((3, 2, 1), Fraction(1, 2), Fraction(4, 15)),
    "O2-a": ((4, 1, 1), Fraction(2, 3), Fraction(2, 5)),
    "O2-b": ((4, 2), Fraction(2, 3), Fraction(7, 15)),
    "O3-a": ((3, 3), Fraction(1, 2), Fraction(2, 5)),
    "O3-b": ((3, 1, 1, 1), Fraction(1, 2), Fraction(1, 5)),
    "O4": ((8, 2, 1, 1), Fraction(2, 3), Fraction(29, 66)),
    "O7-one-clinician": ((5,), 1, 1),
    "O7-all-different": ((1, 1, 1, 1), Fraction(1, 4), 0),
    "O7-one-visit": ((1,), None, None),
}


def seen(who, numbers):
    visits = [clinician for clinician, number in enumerate(numbers) for _ in range(number)]
    for day, clinician in enumerate(visits, 1):
        participant = [seen_by(f"dr-{clinician}")]
        yield encounter(f"{who}-{day}", "AMB", f"2026-03-{day:02}T09:00:00Z", who=who, participant=participant)


@pytest.fixture(scope="module")
def worked(tmp_path_factory):
    visits = [each for who, (numbers, _, _) in ANSWERS.items() for each in seen(who, numbers)]
    return profiled(tmp_path_factory.mktemp("worked"), [*map(patient, ANSWERS), *visits])


@pytest.mark.parametrize("who", ANSWERS)
def test_worked_answer(worked, who):
    _, upc, coc = ANSWERS[who]
    assert (worked.value(who, "upc-p1y"), worked.value(who, "coc-p1y")) == (upc, coc)


def test_a_ratio_is_stored_rounded_half_up_to_six_places(worked):
    (row,) = worked.measures["Patient/O1", "coc-p1y"]
    assert (str(row["value"]), row["numerator"], row["denominator"]) == ("0.266667", 8, 30)
    assert (row["coverage_numerator"], row["coverage_denominator"]) == (6, 6)


def test_one_visit_is_too_few(worked):
    assert worked.unknown("O7-one-visit", "upc-p1y") == "too-few"
