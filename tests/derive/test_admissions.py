"""Nights in hospital, acute stays, and which stays are readmissions to which."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from oracle.histories import at, encounter, patient

from .lakes import profiled

JUNE = datetime(2026, 6, 1, tzinfo=UTC)


def disposition(code):
    return {"dischargeDisposition": {"coding": [{"code": code}]}}


def stay(who, first, last, sent="home", where="x", **more):
    """From 10:00 on one day to 10:00 on another; `last` None: it does not end."""
    end = last and f"2026-{last}T10:00:00Z"
    return encounter(
        f"{who}-{first}", "IMP", f"2026-{first}T10:00:00Z", end, who=who, hospitalization=disposition(sent),
        **at(where), **more,
    )  # fmt: skip


# who: stays, then index stays with a readmission / index stays
READMITTED = {
    "O8": ([("01-03", "01-06"), ("01-20", "01-22"), ("03-24", "03-25")], (1, 3)),
    "O11-day-30": ([("01-08", "01-10"), ("02-09", "02-10")], (1, 2)),
    "O11-day-31": ([("01-08", "01-10"), ("02-10", "02-11")], (0, 2)),
    "O12": (
        [
            ("01-08", "01-10", "other-hcf"),
            ("01-11", "01-15", "home", "y"),
            ("02-01", "02-02"),
            ("02-05", "02-06"),
        ],
        (2, 3),
    ),
    "O13": ([("01-03", "01-06"), ("01-20", "01-22", "exp")], (1, 1)),
    "left-against-advice": ([("01-03", "01-06", "aadvice"), ("01-20", "01-22")], (0, 1)),
    "as-UB-04-writes-it": ([("01-03", "01-06", "07"), ("01-20", "01-22", "02"), ("03-01", "03-02", "20")], None),
    "elsewhere-the-same-day": ([("01-03", "01-06"), ("01-06", "01-08", "home", "y")], (0, 1)),
    "elsewhere-the-next-day": ([("01-03", "01-06"), ("01-07", "01-08", "home", "y")], (0, 1)),
    "elsewhere-later": ([("01-03", "01-06"), ("01-08", "01-09", "home", "y")], (1, 2)),
    "back-the-next-day": ([("01-03", "01-06"), ("01-07", "01-08")], (1, 2)),
    "once-each": ([("01-03", "01-06"), ("01-10", "01-11"), ("01-15", "01-16")], (2, 3)),
    "30-days-seen": ([("04-30", "05-02")], (0, 1)),
    "29-days-seen": ([("05-01", "05-03")], None),
    "does-not-end": ([("01-03", None)], None),
    "before-the-year": ([], None),
}


@pytest.fixture(scope="module")
def readmitted(tmp_path_factory):
    resources = [*map(patient, READMITTED)]
    for who, (stays, _) in READMITTED.items():
        for at_minute, (first, last, *more) in enumerate(stays):
            # an hour between the end and the next start on one day
            each = stay(who, first, last, *more)
            each["period"]["start"] = each["period"]["start"].replace("T10:00", f"T11:0{at_minute}")
            resources.append(each)
    resources.append(encounter("old", "IMP", "2025-05-20T10:00:00Z", "2025-05-31T10:00:00Z", who="before-the-year"))
    return profiled(tmp_path_factory.mktemp("readmitted"), resources, as_of=JUNE)


@pytest.mark.parametrize("who", READMITTED)
def test_readmissions(readmitted, who):
    expected = READMITTED[who][1]
    assert readmitted.value(who, "readmissions-30d-p1y") == (expected and Fraction(*expected))
    row = readmitted.measures[f"Patient/{who}", "readmissions-30d-p1y"][0]
    assert (row["numerator"], row["denominator"]) == (expected or (None, None))
    assert row["unknown"] == (None if expected else "no-index-stay")


def test_nights_are_counted_between_local_dates(tmp_path):
    stays = [
        encounter("a", "IMP", "2026-03-01T04:30:00Z", "2026-03-01T05:30:00Z"),  # 28 February 23:30, 1 March 00:30
        encounter("b", "IMP", "2026-04-01T14:00:00Z", "2026-04-01T20:00:00Z"),  # within one day
    ]
    derived = profiled(tmp_path, [patient("p"), *stays], zone="America/New_York")
    assert derived.value("p", "inpatient-days-p1y") == 1


LASTING = [
    encounter("lasts-a", "IMP", "2025-06-20T08:00:00Z", "2025-07-03T08:00:00Z", who="lasts"),
    encounter("lasts-b", "IMP", "2026-06-28T08:00:00Z", who="lasts", status="in-progress"),
    encounter("endless-a", "IMP", "2026-03-01T08:00:00Z", who="endless"),
]


def test_a_stay_that_reaches_into_the_year_is_clipped_and_one_that_goes_on_lasts_to_as_of(acute):
    assert acute.value("lasts", "inpatient-days-p1y") == 2 + 3


def test_a_stay_without_an_end_is_not_a_stay_of_no_nights(acute):
    found = acute.value("endless", "inpatient-days-p1y"), acute.unknown("endless", "inpatient-days-p1y")
    assert found == (None, "low-coverage")


ACUTE = {
    "elective": ([("IMP", {})], 0),
    "class": ([("ACUTE", {})], 1),
    "source": ([("IMP", {"hospitalization": {"admitSource": {"coding": [{"code": "emd"}]}}})], 1),
    "referred": ([("IMP", {"hospitalization": {"admitSource": {"coding": [{"code": "gp"}]}}})], 0),
    "through-emergency": ([("EMER", {}), ("IMP", {})], 1),
    "emergency-during-it": ([("IMP", {}), ("EMER", {})], 0),
    "no-stay": ([("AMB", {})], 0),
}


@pytest.mark.parametrize("who", ACUTE)
def test_acute_stays(acute, who):
    assert acute.value(who, "acute-stays-p1y") == ACUTE[who][1]


@pytest.fixture(scope="module")
def acute(tmp_path_factory):
    everybody = map(patient, (*ACUTE, "lasts", "endless"))
    return profiled(tmp_path_factory.mktemp("acute"), [*everybody, *(v for w in ACUTE for v in visits(w)), *LASTING])


def visits(who):
    for hour, (code, more) in enumerate(ACUTE[who][0], 10):
        end = f"2026-03-0{3 if code != 'EMER' else 1}T{hour}:40:00Z"
        yield encounter(f"{who}-{hour}", code, f"2026-03-01T{hour}:00:00Z", end, who=who, **at("x"), **more)


def test_where_a_source_never_says_acuity_is_unknown_for_those_with_a_stay(tmp_path):
    stays = [stay("stayed", "03-01", "03-02")]
    derived = profiled(tmp_path, [patient("stayed"), patient("none"), *stays])
    assert derived.unknown("stayed", "acute-stays-p1y") == "acuity-not-recorded"
    assert derived.value("none", "acute-stays-p1y") == 0
    assert derived.unknown("stayed", "lace-p1y") == "acuity-not-recorded"
