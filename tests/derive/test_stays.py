"""Which inpatient encounters are one stay, which emergency encounters belong to it, and which days they take."""

import pytest
from oracle.histories import at, encounter, patient

from .lakes import profiled

IN = "IMP"


def visits(who, *rows):
    """(name, class, start, end or None, more)"""
    for name, code, start, end, *more in rows:
        moment = None if end is None else f"2026-{end}Z"
        extra = dict(more[0]) if more else {}
        part = extra.pop("part", None)
        part = part and f"{who}-{part}"
        yield encounter(f"{who}-{name}", code, f"2026-{start}Z", moment, who=who, part_of=part, **extra)


# who: visits, then stays, emergency contacts, contact days of the year
CASES = {
    "apart": ([("a", IN, "03-01T08:00:00", "03-02T08:00:00"), ("b", IN, "03-02T08:00:01", "03-03T09:00:00")], 2, 0, 3),
    "touching": (
        [("a", IN, "03-01T08:00:00", "03-02T08:00:00"), ("b", IN, "03-02T08:00:00", "03-03T09:00:00")],
        1, 0, 3,
    ),
    "within-a-longer-one": (
        [
            ("a", IN, "03-01T08:00:00", "03-20T08:00:00"),
            ("b", IN, "03-02T08:00:00", "03-03T08:00:00"),
            ("c", "ACUTE", "03-19T08:00:00", "03-21T08:00:00"),
        ],
        1, 0, 21,
    ),
    "linked-over-a-gap": (
        [
            ("a", IN, "03-01T08:00:00", "03-02T08:00:00"),
            ("b", "NONAC", "03-05T08:00:00", "03-06T08:00:00", {"part": "a"}),
        ],
        1, 0, 6,
    ),
    "linked-over-a-visit-between": (
        [
            ("a", IN, "03-01T08:00:00", "03-02T08:00:00"),
            ("b", "OBSENC", "03-02T09:00:00", "03-03T08:00:00", {"part": "a"}),
            ("c", IN, "03-04T08:00:00", "03-05T08:00:00", {"part": "b"}),
        ],
        1, 0, 5,
    ),
    "part-of-each-other": (
        [
            ("a", IN, "03-01T08:00:00", "03-02T08:00:00", {"part": "b"}),
            ("b", IN, "03-05T08:00:00", "03-06T08:00:00", {"part": "a"}),
        ],
        2, 0, 4,
    ),
    "without-an-end": ([("a", IN, "03-01T08:00:00", None), ("b", IN, "03-02T08:00:00", "03-03T08:00:00")], 2, 0, 3),
    "end-before-start": ([("a", IN, "03-02T08:00:00", "03-01T08:00:00")], 1, 0, 1),
    "still-there": ([("a", IN, "06-28T08:00:00", None, {"status": "in-progress"})], 1, 0, 3),
    "observation-is-no-admission": ([("a", "OBSENC", "03-01T08:00:00", "03-03T08:00:00")], 0, 0, 1),
    "led-to-it": (
        [
            ("e", "EMER", "03-01T08:00:00", "03-01T10:00:00", at("x")),
            ("a", IN, "03-02T10:00:00", "03-03T08:00:00", at("x")),
        ],
        1, 1, 3,
    ),
    "two-before-it-of-which-the-last-led-to-it": (
        [
            ("e", "EMER", "03-01T08:00:00", "03-01T10:00:00", at("x")),
            ("f", "EMER", "03-01T20:00:00", "03-01T22:00:00", at("x")),
            ("a", IN, "03-02T08:00:00", "03-02T20:00:00", at("x")),
        ],
        1, 2, 2,
    ),
    "a-day-and-a-second-before": (
        [
            ("e", "EMER", "03-01T08:00:00", "03-01T09:00:00", at("x")),
            ("f", "EMER", "03-01T08:30:00", "03-01T09:59:59", at("x")),
            ("a", IN, "03-02T10:00:00", "03-02T20:00:00", at("x")),
        ],
        1, 2, 2,
    ),
    "elsewhere": (
        [
            ("e", "EMER", "03-01T08:00:00", "03-01T10:00:00", at("y")),
            ("f", "EMER", "03-01T20:00:00", "03-01T22:00:00", at("y")),
            ("a", IN, "03-02T08:00:00", "03-02T20:00:00", at("x")),
        ],
        1, 2, 2,
    ),
    "nobody-says-where": (
        [
            ("e", "EMER", "03-01T08:00:00", "03-01T10:00:00"),
            ("f", "EMER", "03-01T20:00:00", "03-01T22:00:00"),
            ("a", IN, "03-02T08:00:00", "03-02T20:00:00"),
        ],
        1, 2, 2,
    ),
    "during-it": (
        [
            ("a", IN, "03-01T08:00:00", "03-03T08:00:00"),
            ("e", "EMER", "03-02T08:00:00", "03-02T09:00:00"),
            ("f", "EMER", "03-03T07:00:00", "03-03T12:00:00"),
        ],
        1, 1, 3,
    ),
    "part-of-it": (
        [
            ("e", "EMER", "02-01T08:00:00", "02-01T09:00:00", {"part": "a"}),
            ("f", "EMER", "02-02T08:00:00", "02-02T09:00:00", {"part": "a"}),
            ("a", IN, "03-01T08:00:00", "03-01T20:00:00"),
        ],
        1, 1, 3,
    ),
    "cancelled-links-nothing": (
        [
            ("a", IN, "03-01T08:00:00", "03-02T08:00:00"),
            ("b", IN, "03-02T09:00:00", "03-03T08:00:00", {"part": "a", "status": "cancelled"}),
            ("c", IN, "03-04T08:00:00", "03-05T08:00:00", {"part": "b"}),
        ],
        2, 0, 4,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def stayed(tmp_path_factory):
    resources = [each for who, (rows, *_) in CASES.items() for each in (patient(who), *visits(who, *rows))]
    return profiled(tmp_path_factory.mktemp("stays"), [*resources, *BEFORE, *BORN, *DEAD])


@pytest.mark.parametrize("who", CASES)
def test_stays_and_emergency_contacts(stayed, who):
    _, stays, emergency, days = CASES[who]
    found = [stayed.value(who, code) for code in ("stays-p1y", "ed-visits-p1y", "contact-days-p1y")]
    assert found == [stays, emergency, days]


def test_partof_in_a_circle_is_ignored_and_told(stayed):
    assert stayed.report["notes"]["cyclic-part-of"] == 2


def test_all_visits_are_the_sum_of_their_kinds(stayed):
    for who in CASES:
        kinds = ("outpatient-visits-p1y", "ed-visits-p1y", "stays-p1y", "other-visits-p1y")
        assert stayed.value(who, "visits-p1y") == sum(stayed.value(who, code) for code in kinds)


BEFORE = [patient("before"), encounter("before-a", IN, "2025-06-20T08:00:00Z", "2025-07-03T08:00:00Z", who="before")]
BORN = [
    patient("whole", birthDate="2026-03-01"),
    encounter("whole-a", IN, "2026-03-01T08:00:00Z", "2026-03-04T08:00:00Z", who="whole"),
    patient("month", birthDate="2026-03"),  # names no day, so the stay may be any
    encounter("month-a", IN, "2026-03-01T08:00:00Z", "2026-03-04T08:00:00Z", who="month"),
]
DEAD = [
    patient("dead", deceasedDateTime="2026-03-02"),
    encounter("dead-a", "AMB", "2026-03-02T15:00:00Z", who="dead"),
    encounter("dead-b", "AMB", "2026-03-03T00:00:00Z", who="dead"),
    encounter("dead-c", IN, "2026-03-01T08:00:00Z", status="in-progress", who="dead"),
]


def test_a_stay_that_began_before_the_window_fills_its_days_and_is_evidence(stayed):
    assert stayed.value("before", "stays-p1y") == 0
    assert stayed.value("before", "contact-days-p1y") == 3  # 1, 2, 3 July
    assert stayed.profile("before")["evidence"] == ["Encounter/before-a"]


def test_to_be_born_is_no_admission_and_takes_no_days(stayed):
    assert [stayed.value("whole", code) for code in ("stays-p1y", "visits-p1y", "contact-days-p1y")] == [0, 0, 0]
    assert [stayed.value("month", code) for code in ("stays-p1y", "visits-p1y", "contact-days-p1y")] == [1, 1, 4]
    assert stayed.profile("whole")["evidence"] == []


def test_nothing_after_death_counts_and_the_day_of_death_does(stayed):
    assert stayed.value("dead", "outpatient-visits-p1y") == 1
    assert stayed.value("dead", "contact-days-p1y") == 2
