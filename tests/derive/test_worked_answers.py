"""The worked answers of the definitions: continuity by the clinicians whom a patient saw, one after the other."""

from fractions import Fraction

import pytest
from oracle.histories import encounter, patient, seen_by

from .lakes import profiled

UPC, COC, FCI, HHI, MMCI, SECON = (
    f"{family}-p1y" for family in ("upc", "coc", "fci-clinician", "hhi", "mmci", "secon")
)
# The clinicians in order, and what is known of them.
ANSWERS = {
    "O1": (
        "AAABBC",
        {
            UPC: Fraction(1, 2),
            COC: Fraction(4, 15),
            FCI: Fraction(11, 15),
            HHI: Fraction(7, 18),
            MMCI: Fraction(31, 51),  # (1 - 3 / 6.1) / (1 - 1 / 6.1) = .6078
        },
    ),
    "O2-a": ("AAAABC", {UPC: Fraction(2, 3), COC: Fraction(2, 5)}),
    "O2-b": ("AAAABB", {UPC: Fraction(2, 3), COC: Fraction(7, 15)}),
    "O3-a": ("AAABBB", {UPC: Fraction(1, 2), COC: Fraction(2, 5)}),
    "O3-b": ("AAABCD", {UPC: Fraction(1, 2), COC: Fraction(1, 5)}),
    "O4": ("AABACAADAABA", {SECON: Fraction(3, 11), UPC: Fraction(2, 3), COC: Fraction(29, 66)}),
    "O5-a": ("AAAAAAAABBBB", {SECON: Fraction(10, 11), COC: Fraction(17, 33)}),
    "O5-b": ("ABABABABABAB", {SECON: 0, UPC: Fraction(1, 2), COC: Fraction(5, 11)}),
    "O6": ("ABABA", {SECON: 0, UPC: Fraction(3, 5), COC: Fraction(2, 5)}),
    "O7-one-clinician": ("AAAAA", {UPC: 1, COC: 1, FCI: 0, HHI: 1, MMCI: 1, SECON: 1}),
    "O7-all-different": ("ABCD", {UPC: Fraction(1, 4), COC: 0, FCI: 1, SECON: 0}),
    "O7-one-visit": ("A", dict.fromkeys((UPC, COC, FCI, HHI, MMCI, SECON))),
}


def seen(who, clinicians):
    for day, clinician in enumerate(clinicians, 1):
        participant = [seen_by(f"dr-{clinician}")]
        yield encounter(f"{who}-{day}", "AMB", f"2026-03-{day:02}T09:00:00Z", who=who, participant=participant)


@pytest.fixture(scope="module")
def worked(tmp_path_factory):
    visits = [each for who, (clinicians, _) in ANSWERS.items() for each in seen(who, clinicians)]
    return profiled(tmp_path_factory.mktemp("worked"), [*map(patient, ANSWERS), *visits])


@pytest.mark.parametrize("who", ANSWERS)
def test_worked_answer(worked, who):
    _, expected = ANSWERS[who]
    assert {code: worked.value(who, code) for code in expected} == expected


def test_a_ratio_is_stored_rounded_half_up_to_six_places(worked):
    (row,) = worked.measures["Patient/O1", COC]
    assert (str(row["value"]), row["numerator"], row["denominator"]) == ("0.266667", 8, 30)
    assert (row["coverage_numerator"], row["coverage_denominator"]) == (6, 6)


def test_the_index_that_is_published_to_four_places(worked):
    assert round(worked.measures["Patient/O1", MMCI][0]["value"], 4) == round(Fraction(6078, 10_000), 4)


def test_one_visit_is_too_few(worked):
    assert {worked.unknown("O7-one-visit", code) for code in (UPC, COC, FCI, HHI, MMCI, SECON)} == {"too-few"}
