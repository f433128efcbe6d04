"""Fragmentation beside outcomes, this run and earlier ones, as a table, a picture and a MeasureReport."""

import datetime as dt
import json
import xml.etree.ElementTree as ElementTree

import pytest
from fhir.resources.R4B.measurereport import MeasureReport

from service.compose.content import encode
from service.report import fragmentation, fragmentation_text, picture

from .runs import Person, engine, lake_of

CLINICIAN, ORGANIZATION = "fci-clinician-p1y", "fci-organization-p1y"
ED, READMITTED, CANCELLED = "ed-visits-p1y", "readmissions-30d-p1y", "cancelled-rate-p1y"


def people(*bands, more=()):
    """Bands of (how many, their FCI, emergency visits of each); every second one had a stay, every fourth two."""
    found = {}
    for place, (number, fci, visits) in enumerate(bands):
        for n in range(number):
            measures = {CLINICIAN: fci, ORGANIZATION: fci, ED: visits, CANCELLED: (1, 4), "clinicians-p1y": place + 1}
            measures[READMITTED] = (1 if n % 4 == 0 else 0, 2) if n % 2 == 0 else "too-few"
            found[f"p{place}-{n}"] = Person(measures)
    return found | dict(more)


FOUR = ((40, 0.2, 1), (30, 0.6, 2), (24, 0.9, 3), (24, "too-few", 0))


@pytest.fixture
def told(tmp_path):
    def ask(everybody, *earlier, restricted=False):
        now = lake_of(tmp_path / "now", everybody, restricted=restricted, run="r9")
        before = [
            lake_of(tmp_path / f"r{n}", those, as_of=dt.datetime(2026, n, 1, tzinfo=dt.UTC), run=f"r{n}")
            for n, those in enumerate(earlier, 1)
        ]
        with engine(tmp_path) as at:
            return fragmentation(now, before[::-1], at), now

    return ask


def bands(found, index="clinician"):
    return {band.name: band for band in found.now.indices[index]}


def outcome(band, code):
    return next(each for each in band.outcomes if each.measure == code)


def test_bands_begin_at_half_and_at_kerns_threshold(told):
    edges = people((20, 0.499999, 0), (20, 0.5, 0), (20, 0.849999, 0), (20, 0.85, 0), (20, 1, 0))
    assert {name: band.n for name, band in bands(told(edges)[0]).items()} == {
        "under 0.5": 20, "0.5 to 0.85": 40, "0.85 and over": 40,
    }  # fmt: skip


def test_outcomes_stand_beside_fragmentation(told):
    found, _ = told(people(*FOUR))
    low, high = bands(found)["under 0.5"], bands(found)["0.85 and over"]
    assert (low.n, low.share, outcome(low, ED).value, outcome(high, ED).value) == (40, 40 / 118, 1, 3)
    assert (outcome(low, READMITTED).value, outcome(low, READMITTED).of) == (10 / 40, 40)
    assert outcome(low, CANCELLED).value == 0.25
    interval = outcome(low, READMITTED).interval
    assert interval.low < 0.25 < interval.high
    assert bands(found)["not known"].n == 24


def test_the_dead_are_not_among_them(told):
    found, _ = told(people(*FOUR, more=[("gone", Person({CLINICIAN: 1, ED: 9}, deceased=True))]))
    assert found.now.patients == 118


def test_a_measure_that_is_not_derived_is_not_nothing(told):
    everybody = people(*FOUR)
    for each in everybody.values():
        del each.measures[READMITTED], each.measures[ORGANIZATION]
    found, _ = told(everybody)
    assert {READMITTED, ORGANIZATION, "coc-p1y"} <= set(found.now.not_derived)
    assert list(found.now.indices) == ["clinician"]
    text = "\n".join(fragmentation_text.lines(found))
    assert "not derived" in text and "not derived in this run: coc-p1y" in text
    assert "not derived" in picture.svg(found)


def test_a_small_band_and_the_next_smallest_are_hidden_and_so_is_what_they_had(told):
    found, _ = told(people((40, 0.2, 1), (30, 0.6, 2), (5, 0.9, 9)))
    shown = {name: (band.n, len(band.outcomes)) for name, band in bands(found).items()}
    assert shown == {"under 0.5": (40, 3), "0.5 to 0.85": (None, 0), "0.85 and over": (None, 0)}


def test_an_outcome_of_few_is_hidden_with_the_next(told):
    found, _ = told(people((40, 0.2, 1), (30, 0.6, 2), (12, 0.9, 3)))
    rates = {name: outcome(band, READMITTED).value for name, band in bands(found).items()}
    assert rates["0.85 and over"] is None and rates["0.5 to 0.85"] is None and rates["under 0.5"] == 0.25
    assert all(outcome(band, ED).value for band in bands(found).values())


def test_this_run_stands_beside_earlier_ones(told):
    found, _ = told(people(*FOUR), people((50, 0.2, 1), (20, 0.9, 2)), people((30, 0.2, 2), (40, 0.9, 4)))
    assert [each.run for each in found.earlier] == ["r2", "r1"]
    rows = [line.split() for line in fragmentation_text.lines(found) if line.startswith("  0.85 and over")][:3]
    assert [(row[3], row[4], row[7]) for row in rows] == [
        ("2026-07-01", "24", "3.00"), ("2026-02-01", "40", "4.00"), ("2026-01-01", "20", "2.00"),
    ]  # fmt: skip


def test_a_measure_report_is_valid_r4_and_stratified_by_band(told):
    found, basis = told(people((40, 0.2, 1), (30, 0.6, 2), (5, 0.9, 9)))
    document = json.loads(encode(fragmentation_text.summary(found, basis)))
    MeasureReport.model_validate(document)
    assert [group["code"]["coding"][0]["code"] for group in document["group"]] == [ED, READMITTED, CANCELLED]
    strata = {each["value"]["text"]: each for each in document["group"][0]["stratifier"][0]["stratum"]}
    assert strata["under 0.5"]["measureScore"]["value"] == 1 and strata["under 0.5"]["population"][0]["count"] == 40
    hidden = strata["0.85 and over"]
    assert "measureScore" not in hidden and hidden["population"][0]["_count"]["extension"][0]["valueCode"] == "masked"


def test_a_picture_says_what_it_shows(told):
    found, _ = told(people(*FOUR), people((50, 0.2, 1), (20, 0.9, 2)), restricted=True)
    drawn = picture.svg(found)
    texts = " ".join(ElementTree.fromstring(drawn).itertext())
    for words in (
        "Fragmentation of care beside outcomes",
        "118 patients",
        "not cause and effect",
        "0.85 to 1",
        "not known",
    ):
        assert words in texts
    assert "the years before 2026-01-01" in texts and "A restricted pull" in texts
    assert texts.count("Emergency visits a patient") == 2  # by clinicians, by organisations
    assert "http" not in drawn.replace("http://www.w3.org", "")


def test_nobody(told):
    found, _ = told({})
    assert found.now.patients == 0 and found.now.indices == {}
    assert "was not derived" in picture.svg(found)
    assert list(fragmentation_text.lines(found))
