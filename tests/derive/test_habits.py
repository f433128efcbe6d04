"""What is usual, with whom, where and when; how many of each; how regularly; and when emergency visits happen."""

from decimal import Decimal
from fractions import Fraction

import pytest
from oracle.histories import at, encounter, patient, seen_by

from .lakes import profiled


def visits(who, *rows, **more):
    """(moment, or moment and kind, then what else it says)"""
    for number, (moment, *rest) in enumerate(rows):
        kind = rest.pop(0) if rest and isinstance(rest[0], str) else "AMB"
        said = {name: value for each in rest for name, value in each.items()}
        yield encounter(f"{who}-{number}", kind, moment, who=who, **said, **more)


def by(*clinicians):
    return {"participant": [seen_by(each) for each in clinicians]}


def place(site):
    return {"location": [{"location": {"reference": f"Location/{site}"}}]}


def role(key, practitioner=None):
    named = {"practitioner": {"reference": f"Practitioner/{practitioner}"}} if practitioner else {}
    return {"resourceType": "PractitionerRole", "id": key, **named}


CANCELLED = {"status": "cancelled"}
HISTORIES = {
    # 2026-03-02 is a Monday.
    "usual": [
        ("2026-03-02T08:00:00Z", by("b"), place("y")),
        ("2026-03-09T11:59:00Z", by("b"), place("y")),
        ("2026-03-10T12:00:00Z", by("a"), place("x")),
        ("2026-03-18T17:00:00Z", by("b"), place("y")),
    ],
    "tied": [
        ("2026-03-03T22:00:00Z", by("b"), place("y")),
        ("2026-03-02T17:00:00Z", by("a"), place("x")),
    ],
    "twice-a-day": [
        ("2026-03-02T08:00:00Z", by("a")),
        ("2026-03-02T09:00:00Z", by("a")),
        ("2026-03-03T08:00:00Z", by("b")),
        ("2026-03-04T08:00:00Z", by("b")),
    ],
    "days-only": [("2026-03-02", by("a")), ("2026-03-03", by("a"))],
    "months-only": [("2026-03", by("a")), ("2026-04", by("a"))],
    "once": [("2026-03-02T08:00:00Z", by("a"))],
    "nowhere": [("2026-03-02T08:00:00Z",), ("2026-03-03T08:00:00Z",)],
    "same-instant": [
        ("2026-03-02T08:00:00Z", by("b")),
        ("2026-03-02T08:00:00Z", by("a")),
        ("2026-03-03T08:00:00Z", by("a")),
    ],
    "weekly": [(f"2026-03-{day:02}T08:00:00Z",) for day in (2, 9, 16, 23)],
    "uneven": [(f"2026-03-{day:02}T08:00:00Z",) for day in (1, 2, 5)],  # gaps 1 and 3: mean 2, deviation 1
    "two-dates": [("2026-03-02T08:00:00Z",), ("2026-03-02T18:00:00Z",), ("2026-03-05T08:00:00Z",)],
    "nights": [
        ("2026-03-02T07:59:00Z", "EMER"),  # before hours
        ("2026-03-03T08:00:00Z", "EMER"),
        ("2026-03-04T18:00:00Z", "EMER"),  # after hours
        ("2026-03-07T12:00:00Z", "EMER"),  # Saturday
    ],
    "untimed": [("2026-03-02", "EMER"), ("2026-03-07", "EMER")],
    "rising": [
        (f"{moment}:00Z",)
        for moment in ("2025-08-01T08:00", "2026-04-01T23:59", "2026-04-02T00:00", "2026-06-01T08:00")
    ],
    "broad": [
        ("2026-03-02T08:00:00Z", by("a"), at("x"), place("p")),
        ("2026-03-03T08:00:00Z", "EMER", by("b"), at("x"), place("q")),
        ("2026-03-04T08:00:00Z", "OBSENC", by("c"), at("y"), place("q")),
        ("2026-03-06T08:00:00Z", "IMP", by("a"), at("z"), place("r")),
    ],
    "cancelling": [("2026-03-02T08:00:00Z",), ("2026-03-03T08:00:00Z", CANCELLED), ("2026-03-04T08:00:00Z",)],
    "nothing": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    resources = [each for who, rows in HISTORIES.items() for each in (patient(who), *visits(who, *rows))]
    return profiled(tmp_path_factory.mktemp("habits"), resources)


USUAL = {
    "usual": [("Practitioner/b", 3, 4), ("Location/y", 3, 4), ("mon", 2, 4), ("morning", 2, 4)],
    "tied": [("Practitioner/a", 1, 2), ("Location/x", 1, 2), ("mon", 1, 2), ("evening", 1, 2)],
    "twice-a-day": [("Practitioner/b", 2, 3), None, ("mon", 1, 3), ("morning", 3, 3)],
    "days-only": [("Practitioner/a", 2, 2), None, ("mon", 1, 2), None],
    "months-only": [("Practitioner/a", 2, 2), None, None, None],
    "once": [None, None, None, None],
}


@pytest.mark.parametrize("who", USUAL)
def test_what_is_usual(told, who):
    codes = ("usual-clinician-p1y", "usual-site-p1y", "usual-weekday-p1y", "usual-day-part-p1y")
    rows = [told.measures[f"Patient/{who}", code][0] for code in codes]
    found = [(row["mode"], row["numerator"], row["denominator"]) if row["mode"] else None for row in rows]
    assert found == USUAL[who]
    assert all((row["unknown"] is None) == (row["mode"] is not None) for row in rows)


def test_what_is_not_said_is_unknown(told):
    assert told.unknown("nowhere", "usual-site-p1y") == "low-coverage"
    assert told.unknown("nowhere", "upc-p1y") == "low-attribution"
    assert told.unknown("nowhere", "sites-p1y") == "low-coverage"
    assert told.unknown("days-only", "usual-day-part-p1y") == "low-coverage"
    assert told.unknown("nothing", "usual-weekday-p1y") == "too-few"


def test_visits_at_the_same_instant_follow_in_the_order_of_their_ids_and_it_is_told(told):
    assert told.value("same-instant", "secon-p1y") == Fraction(1, 2)  # b, a, a
    assert told.report["notes"]["same-instant"] == 1


@pytest.mark.parametrize(
    ("who", "value", "dates"), [("weekly", 0, 4), ("uneven", Decimal("0.5"), 3), ("two-dates", None, None)]
)
def test_regularity(told, who, value, dates):
    (row,) = told.measures[f"Patient/{who}", "regularity-p1y"]
    assert (row["value"], row["denominator"]) == (value, dates)


def test_when_emergency_visits_happen(told):
    assert told.value("nights", "ed-after-hours-p1y") == Fraction(3, 4)
    assert told.value("nights", "ed-weekend-p1y") == Fraction(1, 4)
    assert (told.value("nights", "ed-frequent-p1y"), told.value("untimed", "ed-frequent-p1y")) == (1, 0)
    assert told.measures["Patient/nights", "ed-frequent-p1y"][0]["numerator"] == 4
    assert told.unknown("untimed", "ed-after-hours-p1y") == "low-coverage"
    assert told.value("untimed", "ed-weekend-p1y") == Fraction(1, 2)
    assert told.unknown("nothing", "ed-weekend-p1y") == told.unknown("once", "ed-after-hours-p1y") == "too-few"


def test_rising_need_is_2_of_4_visits_in_90_of_365_days(told):
    (row,) = told.measures["Patient/rising", "rising-need-p1y"]
    assert (row["numerator"], row["denominator"]) == (2, 4)
    assert row["value"] == round(Decimal(2) / (Decimal(4) * 90 / 365), 6)
    assert told.unknown("nothing", "rising-need-p1y") == "too-few"


def test_how_many_of_each(told):
    codes = ("sites-p1y", "clinicians-p1y", "organizations-p1y", "sources-p1y")
    assert [told.value("broad", code) for code in codes] == [3, 3, 3, 1]
    assert [told.value("nothing", code) for code in codes] == [0, 0, 0, 0]
    assert told.measures["Patient/broad", "organizations-p1y"][0]["denominator"] == 4


def test_cancelled_visits(told):
    assert told.value("cancelling", "cancelled-rate-p1y") == Fraction(1, 3)
    assert told.value("once", "cancelled-rate-p1y") == 0
    assert told.unknown("nothing", "cancelled-rate-p1y") == "too-few"
    assert "Encounter/cancelling-1" in told.profile("cancelling")["evidence"]


def test_a_source_that_shows_no_cancelled_visit_leaves_the_rate_unknown(tmp_path):
    derived = profiled(tmp_path, [patient("p"), *visits("p", ("2026-03-02T08:00:00Z",))])
    assert derived.unknown("p", "cancelled-rate-p1y") == "not-recorded-by-source"


def test_attachment(tmp_path):
    resources = [
        patient("named", generalPractitioner=[{"reference": "Practitioner/gp"}]),
        patient("practice", generalPractitioner=[{"reference": "Organization/surgery"}]),
        patient("role", generalPractitioner=[{"reference": "PractitionerRole/at-surgery"}]),
        patient("seen"),
        patient("alone"),
        *visits("seen", ("2026-03-02", by("a")), ("2026-03-03", by("a")), ("2026-03-04", by("b"))),
        role("at-surgery", "gp"),
    ]
    derived = profiled(tmp_path, resources)
    modes = {who: derived.mode(who, "attachment-p1y") for who in ("named", "practice", "role", "seen", "alone")}
    assert modes == {
        "named": "Practitioner/gp", "practice": "Organization/surgery", "role": "Practitioner/gp",
        "seen": "Practitioner/a", "alone": None,
    }  # fmt: skip
    assert derived.unknown("alone", "attachment-p1y") == "never-recorded"
    assert derived.value("named", "attachment-p1y") is None
