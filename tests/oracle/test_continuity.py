"""In: the worked answers and hand-made visits. Out: the proof of the oracle's indices of continuity."""

from collections import Counter
from fractions import Fraction

import pytest

from .continuity import coc, fci, hhi, mmci, secon, upc
from .histories import encounter, measures, seen_by
from .references import Json
from .year import Value


@pytest.mark.parametrize(
    ("per_clinician", "expected_upc", "expected_coc"),
    [
        ((3, 2, 1), "1/2", "4/15"),
        ((4, 1, 1), "2/3", "2/5"),
        ((4, 2), "2/3", "7/15"),
        ((3, 3), "1/2", "2/5"),
        ((3, 1, 1, 1), "1/2", "1/5"),
        ((8, 2, 1, 1), "2/3", "29/66"),
        ((8, 4), "2/3", "17/33"),
        ((6, 6), "1/2", "5/11"),
        ((3, 2), "3/5", "2/5"),
        ((5,), "1", "1"),
        ((1, 1, 1), "1/3", "0"),
    ],
    ids=[
        "O1",
        "O2 first",
        "O2 second",
        "O3 first",
        "O3 second",
        "O4",
        "O5",
        "O5 in turn",
        "O6",
        "O7 one",
        "O7 all different",
    ],
)
def test_worked_answers(per_clinician: tuple[int, ...], expected_upc: str, expected_coc: str) -> None:
    seen = Counter({f"dr-{n}": visits for n, visits in enumerate(per_clinician)})
    assert (upc(seen), coc(seen)) == (Fraction(expected_upc), Fraction(expected_coc))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [("AABACAADAABA", "3/11"), ("AAAAAAAABBBB", "10/11"), ("ABABABABABAB", "0"), ("ABABA", "0"), ("AAAA", "1")],
    ids=["O4", "O5", "O5 in turn", "O6", "O7"],
)
def test_sequence(seen: str, expected: str) -> None:
    assert secon([*seen]) == Fraction(expected)


def test_concentration_and_fragmentation() -> None:
    assert hhi(Counter("AAABBC")) == Fraction(7, 18) and fci([*"AAABBC"]) == Fraction(11, 15)
    assert mmci(Counter("AAABBC")) == Fraction(31, 51)
    assert fci([*"AAAA"]) == 0 and fci([*"ABCD"]) == 1


def continuity(*visits: Json) -> tuple[Value, Value]:
    found = measures(*visits)
    return found["upc-p1y"], found["coc-p1y"]


def visit(n: int, *participants: Json, day: int | None = None, code: str = "AMB") -> Json:
    return encounter(f"e{n}", code, f"2026-05-{day or n:02}T10:00:00Z", participant=list(participants))


def test_one_clinician_and_day_is_one_visit() -> None:
    assert continuity(visit(1, seen_by("a")), visit(2, seen_by("a"), day=1)) == (None, None)
    assert continuity(visit(1, seen_by("a")), visit(2, seen_by("b"), day=1)) == (Fraction(1, 2), 0)


def test_only_outpatient_visits_count_for_continuity() -> None:
    assert continuity(visit(1, seen_by("a")), visit(2, seen_by("a")), visit(3, seen_by("b"), code="EMER")) == (1, 1)


def test_below_80_percent_attribution_it_is_unknown() -> None:
    known = [visit(n, seen_by("a")) for n in range(1, 5)]
    assert continuity(*known, visit(5)) == (1, 1)
    assert continuity(*known[:3], visit(5)) == (None, None)


@pytest.mark.parametrize(
    ("participants", "clinician"),
    [
        ([seen_by("b"), seen_by("c", "ATND"), seen_by("a", "PPRF")], "a"),
        ([seen_by("b"), seen_by("a", "ATND")], "a"),
        ([seen_by("RelatedPerson/r", "PPRF"), seen_by("a", "ADM"), seen_by("b")], "a"),
        ([seen_by("PractitionerRole/known")], "a"),
        ([seen_by("https://example.org/fhir/Practitioner/a/_history/3")], "a"),
    ],
    ids=["primary performer", "attender", "first", "role", "absolute"],
)
def test_who_is_the_clinician(participants: list[Json], clinician: str) -> None:
    role = {"resourceType": "PractitionerRole", "id": "known", "practitioner": {"reference": "Practitioner/a"}}
    found = measures(role, visit(1, *participants), visit(2, seen_by(clinician)), visit(3, seen_by("z")))
    assert found["upc-p1y"] == Fraction(2, 3)
