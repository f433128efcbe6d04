"""In: planted patients, merged and dead ones, Synthea. Out: the proof that the oracle answers for them as defined."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from expectations import FAMILIES, cases, family

from .histories import claim, encounter, link, measures, patient
from .synthea import Answer, answers, latest_as_of, read

DATA = Path(__file__).parents[1] / "data"


def test_the_planted_patients_have_this_many_expectations() -> None:
    assert Counter(family(code) for _, code, _ in cases()) == FAMILIES


@pytest.fixture(scope="module")
def planted_answers() -> dict[str, Answer]:
    return answers(read(DATA / "planted"), "2026-07-01T00:00:00Z", "UTC")


@pytest.mark.parametrize(("who", "code", "expected"), cases())
def test_planted(planted_answers: dict[str, Answer], who: str, code: str, expected: Any) -> None:
    assert planted_answers[f"Patient/{who}"].measures[code] == expected


def test_of_the_planted_patients_one_is_merged_away_and_one_has_died() -> None:
    found = answers(read(DATA / "planted"), "2026-07-01T00:00:00Z", "UTC")
    assert len(found) == 16 and "Patient/p07-old" not in found
    assert [who for who, answer in found.items() if answer.deceased] == ["Patient/p08-deceased"]


@pytest.mark.parametrize("kind", ["Encounter", "Claim"])
def test_what_was_entered_in_error_changes_nothing(kind: str) -> None:
    planted = read(DATA / "planted")
    errors = [{**each, "id": f"{each['id']}-error", "status": "entered-in-error"} for each in planted[kind]]
    with_errors = {**planted, kind: [*planted[kind], *errors]}
    assert answers(with_errors, "2026-07-01", "UTC") == answers(planted, "2026-07-01", "UTC")


def test_merged_records_are_one_person_and_seealso_merges_none() -> None:
    records = [
        patient("p", link=[link("old", "replaces"), link("other", "seealso")]),
        patient("old", link=[link("p", "replaced-by"), link("older", "replaces")]),
        patient("older"),
        patient("other"),
    ]
    visits = [encounter(who, "AMB", "2026-05-01", who=who) for who in ("p", "old", "older", "other")]
    assert measures(*records, *visits)["visits-p1y"] == 3
    assert measures(*records, *visits, who="other")["visits-p1y"] == 1


def test_records_that_replace_each_other_are_one_person() -> None:
    circle = [patient("a", link=[link("b", "replaces")]), patient("b", link=[link("a", "replaces")])]
    assert list(answers({"Patient": circle, "Encounter": []}, "2026-07-01", "UTC")) == ["Patient/a"]


def test_nothing_counts_after_death() -> None:
    dead = patient(deceasedDateTime="2026-05-03T12:00:00Z")
    events = [
        encounter("a", "AMB", "2026-05-03T12:00:01Z"),
        encounter("b", "IMP", "2026-05-01T10:00:00Z", status="in-progress"),
        claim("c", "2026-05-04", "10.00"),
        claim("d", "2026-05-01", "2.50"),
    ]
    found = measures(dead, *events)
    assert (found["visits-p1y"], found["contact-days-p1y"]) == (1, 3)
    assert found["billed-charges-p1y"] == {"USD": Decimal("2.50")}


def test_synthea_is_answered_for_all_and_adds_up() -> None:
    raw = read(DATA / "synthea" / "r4")
    found = answers(raw, latest_as_of(raw, "America/New_York", "2026-01-01T00:00:00Z"), "America/New_York")
    bills = [each["total"]["value"] for each in raw["Claim"] if each["billablePeriod"]["start"] >= "2019-05-07"]
    classes = Counter(each["class"]["code"] for each in raw["Encounter"] if each["period"]["start"] >= "2019-05-07")
    totals = [each.measures["billed-charges-p1y"] for each in found.values()]
    assert len(found) == 100
    assert sum(total.get("USD", Decimal(0)) for total in totals if isinstance(total, dict)) == sum(bills)
    assert sum_of(found, "outpatient-visits-p1y") == classes["AMB"]


def sum_of(found: dict[str, Answer], code: str) -> int:
    return sum(value for each in found.values() if isinstance(value := each.measures[code], int))
