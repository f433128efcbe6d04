"""In: the worked answers on stays, by hand. Out: the proof of the oracle's readmissions, nights and acute stays."""

import pytest

from .histories import at, encounter, measures, patient
from .references import Json
from .synthea import answers


def stay(key: str, first: str, last: str, to: str | None = "home", where: str = "a", code: str = "IMP") -> Json:
    left: Json = {"hospitalization": {"dischargeDisposition": {"coding": [{"code": to}]}}} if to else {}
    return encounter(key, code, f"2026-{first}T10:00:00Z", f"2026-{last}T12:00:00Z", **at(where), **left)


def readmissions(*stays: Json, as_of: str = "2026-06-01") -> tuple[int | None, int | None]:
    found = answers({"Patient": [patient()], "Encounter": list(stays)}, as_of, "UTC")
    return found["Patient/p"].bases["readmissions-30d-p1y"]


LEFT = stay("a", "01-08", "01-10")


@pytest.mark.parametrize(
    ("stays", "expected"),
    [
        ([stay("a", "01-03", "01-06"), stay("b", "01-20", "01-22"), stay("c", "03-24", "03-25")], (1, 3)),
        ([LEFT, stay("b", "02-09", "02-10")], (1, 2)),
        ([LEFT, stay("b", "02-10", "02-11")], (0, 2)),
        (
            [
                stay("a", "01-08", "01-10", "other-hcf"),
                stay("b", "01-11", "01-15", where="b"),
                stay("c", "02-01", "02-02"),
                stay("d", "02-05", "02-06"),
            ],
            (2, 3),
        ),
        ([LEFT, stay("b", "01-20", "01-22", "exp")], (1, 1)),
        ([LEFT, stay("b", "01-11", "01-12", where="b")], (0, 1)),
        ([LEFT, stay("b", "05-03", "05-04")], (0, 1)),
        ([LEFT, stay("b", "05-01", "05-02")], (0, 2)),
    ],
    ids=["O8", "O11 day 30", "O11 day 31", "O12", "O13", "elsewhere the next day", "29 days", "30 days of follow-up"],
)
def test_readmissions(stays: list[Json], expected: tuple[int, int]) -> None:
    assert readmissions(*stays) == expected


def test_nights_are_clipped_and_an_open_stay_lasts_to_as_of() -> None:
    assert measures(stay("a", "01-03", "01-03"))["inpatient-days-p1y"] == 0
    assert measures(stay("a", "01-03", "01-06"))["inpatient-days-p1y"] == 3
    assert measures(stay("a", "01-03", "01-06"), as_of="2026-01-05")["inpatient-days-p1y"] == 2
    assert measures(stay("a", "01-03", "01-06"), as_of="2027-01-05")["inpatient-days-p1y"] == 1
    now = encounter("a", "IMP", "2026-06-28T10:00:00Z", status="in-progress")
    assert measures(now)["inpatient-days-p1y"] == 3 and readmissions(now, as_of="2026-08-30") == (0, 0)


def test_what_makes_a_stay_acute() -> None:
    emergency = encounter("e", "EMER", "2026-01-02T12:00:00Z", "2026-01-02T14:00:00Z", **at("a"))
    assert measures(LEFT)["acute-stays-p1y"] is None  # the source never says
    assert measures(stay("a", "01-03", "01-06"), emergency)["acute-stays-p1y"] == 1
    assert measures(LEFT, emergency)["acute-stays-p1y"] == 0
    assert measures(stay("a", "01-03", "01-06", code="ACUTE"))["acute-stays-p1y"] == 1
    by_source = stay("a", "01-03", "01-06") | {"hospitalization": {"admitSource": {"coding": [{"code": "emd"}]}}}
    assert measures(by_source)["acute-stays-p1y"] == 1
