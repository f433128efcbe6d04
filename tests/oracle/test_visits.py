"""In: hand-made visits. Out: the proof that the oracle counts them, their stays and their days as defined."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from .histories import RESTRICTED, at, claim, encounter, measures, of_type, patient
from .instants import instant, window_start
from .references import Json
from .synthea import latest_as_of


@pytest.mark.parametrize(
    ("as_of", "window", "start"),
    [
        ("2026-03-31", "p1m", "2026-02-28"),
        ("2024-03-31", "p1m", "2024-02-29"),
        ("2026-01-15", "p1m", "2025-12-15"),
        ("2024-02-29", "p1y", "2023-02-28"),
        ("2026-07-01", "p7d", "2026-06-24"),
        ("2026-03-10", "p7d", "2026-03-03"),  # the clock went forward on 8 March: 167 hours
    ],
)
def test_a_window_goes_back_by_the_calendar(as_of: str, window: str, start: str) -> None:
    zone = ZoneInfo("America/New_York")
    assert window_start(instant(as_of, zone), window, zone) == instant(start, zone)


def test_a_window_holds_its_start_and_not_its_end() -> None:
    edges = ["2025-06-30T23:59:59.999Z", "2025-07-01T00:00:00Z", "2026-06-30T23:59:59.999Z", "2026-07-01T00:00:00Z"]
    found = measures(*(encounter(f"e{n}", "AMB", start) for n, start in enumerate(edges)))
    assert (found["outpatient-visits-p1y"], found["outpatient-visits-p7d"]) == (2, 1)


def test_days_are_those_of_the_source() -> None:
    late = [encounter("a", "AMB", "2026-05-02T03:30:00Z"), encounter("b", "AMB", "2026-05-01T12:00:00-04:00")]
    assert measures(*late)["contact-days-p1y"] == 2
    assert measures(*late, zone="America/New_York")["contact-days-p1y"] == 1


def test_the_hour_that_comes_twice_is_no_end_before_the_start() -> None:
    first = encounter("a", "IMP", "2025-11-02T01:40:00-04:00", "2025-11-02T01:20:00-05:00")
    second = encounter("b", "IMP", "2025-11-02T01:10:00-05:00", "2025-11-03T01:00:00-05:00")
    assert measures(first, second, zone="America/New_York")["stays-p1y"] == 1


@pytest.mark.parametrize(("text", "start"), [("2026", "2026-01-01"), ("2026-03", "2026-03-01")])
def test_a_partial_date_is_the_start_of_its_period(text: str, start: str) -> None:
    zone = ZoneInfo("Europe/Berlin")
    assert instant(text, zone) == instant(f"{start}T00:00:00+01:00", zone)


def test_latest_as_of_is_the_midnight_after_the_last_visit_that_has_begun() -> None:
    starts = ["2026-05-31T23:00:00Z", "2026-06-01T00:00:00Z", "2099-01-01"]
    found = latest_as_of({"Encounter": [encounter(s[:4], "AMB", s) for s in starts]}, "UTC", "2026-07-01T00:00:00Z")
    assert found == "2026-06-02T00:00:00+00:00"


@pytest.mark.parametrize(
    ("code", "measure"),
    [
        *((code, "outpatient-visits-p1y") for code in ("AMB", "VR", "HH")),
        *((code, "stays-p1y") for code in ("IMP", "ACUTE", "NONAC")),
        ("EMER", "ed-visits-p1y"),
        *((code, "other-visits-p1y") for code in ("OBSENC", "SS", "FLD", "own")),
    ],
)
def test_the_class_decides_what_kind_of_visit_it_is(code: str, measure: str) -> None:
    found = measures(encounter("a", code, "2026-05-01T10:00:00Z", "2026-05-01T11:00:00Z"))
    counted = {each for each, value in found.items() if each.endswith(("visits-p1y", "stays-p1y")) and value == 1}
    assert counted - {"acute-stays-p1y"} == {measure, "visits-p1y"} and found["contact-days-p1y"] == 1


@pytest.mark.parametrize("coding", [{}, {"system": "http://example.org/class", "code": "AMB"}])
def test_an_absent_or_local_class_is_other(coding: Json) -> None:
    found = measures(encounter("a", "AMB", "2026-05-01") | {"class": coding})
    assert (found["other-visits-p1y"], found["outpatient-visits-p1y"]) == (1, 0)


@pytest.mark.parametrize(
    ("status", "counted"),
    [
        *((status, 1) for status in ("finished", "in-progress", "arrived", "triaged", "onleave")),
        *((status, 0) for status in ("planned", "cancelled", "unknown", "entered-in-error")),
    ],
)
def test_the_status_decides_whether_it_is_a_visit(status: str, counted: int) -> None:
    assert measures(encounter("a", "AMB", "2026-05-01", status=status))["visits-p1y"] == counted


def test_a_sensitive_visit_and_its_claims_count_nowhere() -> None:
    visit = encounter("a", "AMB", "2026-05-01", meta=RESTRICTED, **of_type("410620009"))
    refers = claim("c", "2026-05-01", "10.00", item=[{"sequence": 1, "encounter": [{"reference": "Encounter/a"}]}])
    labelled = claim("d", "2026-05-01", "20.00", meta=RESTRICTED)
    assert measures(visit, refers, labelled, claim("e", "2026-05-01", "5.00")) == measures(
        claim("e", "2026-05-01", "5.00")
    )


@pytest.mark.parametrize(
    ("second", "stays"),
    [
        (encounter("b", "IMP", "2026-05-02T10:00:00Z", "2026-05-05T10:00:00Z"), 1),
        (encounter("b", "IMP", "2026-05-03T10:00:00Z", "2026-05-05T10:00:00Z"), 1),
        (encounter("b", "IMP", "2026-05-03T10:00:01Z", "2026-05-05T10:00:00Z"), 2),
        (encounter("b", "IMP", "2026-05-20T10:00:00Z", "2026-05-21T10:00:00Z", part_of="a"), 1),
    ],
    ids=["overlap", "touch", "apart", "apart, but a part"],
)
def test_stays_that_overlap_touch_or_are_linked_are_one(second: Json, stays: int) -> None:
    first = encounter("a", "IMP", "2026-05-01T10:00:00Z", "2026-05-03T10:00:00Z")
    assert measures(first, second)["stays-p1y"] == stays


def test_a_long_stay_holds_what_begins_after_a_short_one_inside_it() -> None:
    long = encounter("a", "IMP", "2026-05-01", "2026-05-20")
    inside = encounter("b", "IMP", "2026-05-02", "2026-05-03")
    later = encounter("c", "IMP", "2026-05-10", "2026-05-25")
    found = measures(long, inside, later)
    assert (found["stays-p1y"], found["contact-days-p1y"]) == (1, 25)


def test_a_part_of_a_part_is_a_part_and_a_circle_does_no_harm() -> None:
    a = encounter("a", "IMP", "2026-05-01", "2026-05-02", part_of="c")
    b = encounter("b", "AMB", "2026-05-05", part_of="a")
    c = encounter("c", "IMP", "2026-05-08", "2026-05-09", part_of="b")
    assert measures(a, b, c)["stays-p1y"] == 1


def test_a_stay_is_dated_at_its_start_but_its_days_are_clipped() -> None:
    found = measures(encounter("a", "IMP", "2026-05-28", "2026-06-03"))
    assert (found["stays-p1m"], found["stays-p1y"]) == (0, 1)
    assert (found["contact-days-p1m"], found["contact-days-p1y"]) == (3, 7)


def test_an_open_stay_lasts_to_as_of_and_a_finished_one_without_an_end_one_day() -> None:
    assert measures(encounter("a", "IMP", "2026-06-21", status="in-progress"))["contact-days-p1m"] == 10
    assert measures(encounter("a", "IMP", "2026-06-21"))["contact-days-p1m"] == 1


def test_an_end_before_the_start_is_no_end() -> None:
    found = measures(
        encounter("a", "IMP", "2026-05-10", "2026-05-01"), encounter("b", "AMB", "2026-05-12", "2026-05-11")
    )
    assert (found["stays-p1y"], found["outpatient-visits-p1y"], found["contact-days-p1y"]) == (1, 1, 2)


def test_to_be_born_is_no_admission() -> None:
    born = patient(birthDate="2026-05-01")
    found = measures(born, encounter("a", "IMP", "2026-05-01T03:00:00Z", "2026-05-03T10:00:00Z"))
    assert (found["stays-p1y"], found["visits-p1y"], found["contact-days-p1y"]) == (0, 0, 0)
    assert measures(born, encounter("a", "IMP", "2026-05-02T03:00:00Z"))["stays-p1y"] == 1


EARLIER = encounter("e", "EMER", "2026-05-01T06:00:00Z", "2026-05-01T10:00:00Z", **at("o"))
LATER = encounter("f", "EMER", "2026-05-01T12:00:00Z", "2026-05-01T14:00:00Z", **at("o"))


@pytest.mark.parametrize(
    ("stay", "contacts"),
    [
        (encounter("s", "IMP", "2026-05-02T10:00:00Z", "2026-05-03T10:00:00Z", **at("o")), 2),
        (encounter("s", "IMP", "2026-05-02T14:00:00Z", "2026-05-03T10:00:00Z", **at("o")), 2),
        (encounter("s", "IMP", "2026-05-02T14:00:01Z", "2026-05-03T10:00:00Z", **at("o")), 2),
        (encounter("s", "IMP", "2026-05-02T10:00:00Z", "2026-05-03T10:00:00Z", **at("another")), 2),
        (encounter("s", "IMP", "2026-05-02T10:00:00Z", "2026-05-03T10:00:00Z"), 2),
        (encounter("s", "IMP", "2026-05-01T09:00:00Z", "2026-05-01T13:00:00Z", **at("another")), 1),
        (encounter("s", "IMP", "2026-05-01T13:00:00Z", "2026-05-01T15:00:00Z", **at("o")), 1),
        (encounter("s", "AMB", "2026-05-01T09:00:00Z", "2026-05-01T13:00:00Z", **at("o")), 2),
    ],
    ids=[
        "both within 24 h",
        "the later 24 h before",
        "a second more",
        "elsewhere",
        "who knows where",
        "overlap",
        "one overlaps and the latest of the others led to it",
        "no stay",
    ],
)
def test_emergency_visits_of_one_stay_are_one_contact(stay: Json, contacts: int) -> None:
    found = measures(EARLIER, LATER, stay)
    assert (found["ed-visits-p1y"], found["stays-p1y"]) == (
        contacts,
        int(stay["id"] == "s" and stay["class"]["code"] == "IMP"),
    )


def test_of_what_led_to_a_stay_only_the_latest_is_one_contact_with_it() -> None:
    stay = encounter("s", "IMP", "2026-05-01T20:00:00Z", "2026-05-03T10:00:00Z", **at("o"))
    third = encounter("g", "EMER", "2026-05-01T16:00:00Z", "2026-05-01T17:00:00Z", **at("o"))
    part = encounter("h", "EMER", "2026-05-01T20:00:00Z", "2026-05-01T21:00:00Z", part_of="s")
    assert measures(EARLIER, LATER, third, stay)["ed-visits-p1y"] == 3
    assert measures(EARLIER, LATER, third, stay, part)["ed-visits-p1y"] == 3
    assert measures(EARLIER, stay, part)["ed-visits-p1y"] == 1
    assert measures(EARLIER, LATER, third, stay, part)["acute-stays-p1y"] == 1


def test_emergency_visits_that_are_parts_of_a_stay_are_one_contact_at_the_earliest_start() -> None:
    stay = encounter("s", "IMP", "2026-06-15", "2026-06-16")
    early = encounter("e", "EMER", "2026-05-10", part_of="s")
    late = encounter("f", "EMER", "2026-06-25", part_of="s")
    found = measures(stay, early, late)
    assert (found["ed-visits-p1y"], found["ed-visits-p1m"], found["visits-p1y"]) == (1, 0, 2)


def test_the_last_preventive_visit_is_the_latest_before_as_of_however_old() -> None:
    dates = {
        "2019-03-01T23:30:00-05:00": "162673000",
        "2018-01-01": "410620009",
        "2026-01-01": "185345009",
        "2026-07-01": "410620009",
    }
    visits = [encounter(f"e{n}", "AMB", start, **of_type(code)) for n, (start, code) in enumerate(dates.items())]
    assert measures(*visits)["last-preventive-visit"] == date(2019, 3, 2)
    assert measures(*visits, zone="America/New_York")["last-preventive-visit"] == date(2019, 3, 1)
    assert measures()["last-preventive-visit"] is None
