"""Windows are half-open, end at as_of, and are counted on the calendar of the source's zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from oracle.histories import encounter, patient

from service.derive.windows import window

from .lakes import profiled

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("code", "as_of", "start"),
    [
        ("p7d", "2026-07-01", "2026-06-24"),
        ("p1m", "2026-07-01", "2026-06-01"),
        ("p1y", "2026-07-01", "2025-07-01"),
        ("p1m", "2026-03-31", "2026-02-28"),  # clamps to the month's last day
        ("p1m", "2024-03-31", "2024-02-29"),
        ("p1m", "2026-07-31", "2026-06-30"),
        ("p1m", "2026-01-15", "2025-12-15"),
        ("p1y", "2024-02-29", "2023-02-28"),
    ],
)
def test_where_a_window_starts(code, as_of, start):
    assert window(code, utc(as_of), ZoneInfo("UTC")).start == utc(start)


def test_a_week_back_over_the_change_to_summer_time_is_seven_days_on_the_wall():
    end = datetime(2026, 3, 10, tzinfo=NEW_YORK)
    start = window("p7d", end, NEW_YORK).start
    assert start == datetime(2026, 3, 3, 5, tzinfo=UTC) and end.astimezone(UTC).hour == 4


def test_all_records_have_no_start():
    assert window("ever", utc("2026-07-01"), ZoneInfo("UTC")).start is None


# Both visits lie on one side of midnight in UTC, and on either side of it in New York.
EDGE = [
    patient("p"),
    encounter("before", "AMB", "2026-06-24T03:59:59Z"),
    encounter("after", "AMB", "2026-06-24T04:00:00Z"),
    encounter("last", "AMB", "2026-07-01T03:59:59Z"),
    encounter("next", "AMB", "2026-07-01T04:00:00Z"),
]


def test_the_edges_lie_at_midnight_in_the_zone_of_the_source(tmp_path):
    midnight = datetime(2026, 7, 1, tzinfo=NEW_YORK)
    derived = profiled(tmp_path, EDGE, as_of=midnight, zone="America/New_York")
    assert derived.value("p", "outpatient-visits-p7d") == 2
    assert derived.value("p", "outpatient-visits-p1m") == 3
    assert derived.profile("p")["evidence"] == ["Encounter/after", "Encounter/before", "Encounter/last"]


def test_days_are_those_on_the_wall(tmp_path):
    late = encounter("late", "AMB", "2026-06-25T02:00:00Z")  # 24 June, 22:00 in New York
    derived = profiled(tmp_path, [*EDGE, late], as_of=datetime(2026, 7, 1, 4, tzinfo=UTC), zone="America/New_York")
    assert derived.value("p", "contact-days-p1m") == 3  # 23, 24 (twice), 30 June


def utc(day):
    return datetime.fromisoformat(day).replace(tzinfo=UTC)
