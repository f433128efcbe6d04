"""Counts and quantiles for research: no small cell can be had back from totals, complements or other organisations."""

import json

import pytest
from fhir.resources.R4B.measurereport import MeasureReport

from service.compose.content import encode
from service.report import aggregate, top_fhir, top_text

from .runs import Person, engine, lake_of

YEAR = "visits-p1y"
NORTH, SOUTH, WEST = "Organization/north", "Organization/south", "Organization/west"


def people(**places):
    """Of each place how many standard, enhanced and intensive; the intensive ones are on a pathway."""
    found = {}
    for place, numbers in places.items():
        for level, number in zip(("standard", "enhanced", "intensive"), numbers, strict=True):
            for n in range(number):
                pathways = ["proactive-outreach"] if level == "intensive" else []
                at = [f"Organization/{place}"]
                found[f"{place}-{level}-{n}"] = Person({YEAR: n % 9}, level=level, pathways=pathways, at=at)
    return found


@pytest.fixture
def told(tmp_path):
    def ask(everybody, restricted=False, **more):
        basis = lake_of(tmp_path, everybody, restricted=restricted)
        with engine(tmp_path) as at:
            return aggregate(basis, at, **more), basis

    return ask


def test_counts_and_no_names(told):
    found, _ = told(people(north=(60, 30, 20)))
    (whole,) = found.summaries
    assert (whole.n, whole.levels) == (110, {"standard": 60, "enhanced": 30, "intensive": 20, "none": 0})
    assert whole.pathways == {"proactive-outreach": 20}
    assert "Patient/" not in " ".join([*top_text.aggregate_lines(found), *top_text.aggregate_csv(found)])


def test_a_small_level_takes_the_next_smallest_with_it(told):
    found, _ = told(people(north=(60, 30, 4)))
    (whole,) = found.summaries
    assert whole.levels == {"standard": 60, "enhanced": None, "intensive": None, "none": 0}
    assert whole.pathways == {"proactive-outreach": None}


def test_a_large_share_is_hidden_with_its_small_complement(told):
    found, _ = told(people(north=(3, 0, 60)))
    assert found.summaries[0].pathways == {"proactive-outreach": None}


def test_nothing_small_can_be_had_back_from_the_other_organisations(told):
    everybody = people(north=(60, 30, 20), south=(50, 25, 4), west=(40, 20, 15))
    found, _ = told(everybody, organizations=True)
    whole, *places = found.summaries
    assert whole.levels["intensive"] == 39
    shown = {each.organization: each.levels["intensive"] for each in places}
    assert shown[SOUTH] is None
    hidden = [place for place, number in shown.items() if number is None]
    rest = whole.levels["intensive"] - sum(number for number in shown.values() if number is not None)
    assert len(hidden) == 2 and rest >= 11
    for each in places:
        visible = [number for number in each.levels.values() if number is not None]
        assert each.n is None or len(visible) != len(each.levels) - 1


def test_a_small_organisation_is_not_counted_at_all(told):
    found, _ = told(people(north=(60, 30, 20), south=(50, 25, 14), west=(4, 0, 0)), organizations=True)
    by_place = {each.organization: each for each in found.summaries}
    assert by_place[WEST].n is None and by_place[WEST].quantiles == {}
    assert [by_place[place].n for place in (NORTH, SOUTH)].count(None) == 1


def test_quantiles_have_eleven_on_either_side_and_no_amount_to_the_cent(told):
    money = {f"p{n}": Person({"billed-charges-p1y": {"USD": f"{1000 + n * 13.37:.2f}"}}) for n in range(50)}
    found, _ = told(money, by="charges")
    (whole,) = found.summaries
    assert list(whole.quantiles) == ["p25", "p50", "p75"]
    assert all(float(f"{value:.2g}") == value for value in whole.quantiles.values())


def test_how_many_are_unknown_is_a_small_cell_as_well(told):
    found, _ = told(people(north=(60, 30, 20)) | {"x": Person({YEAR: "not-exposed"})})
    assert found.unknown is None


def test_a_restricted_pull_says_so(told):
    found, basis = told(people(north=(60, 30, 20)), restricted=True)
    assert found.limited and "restricted pull" in found.notes[0]
    assert "restricted pull" in top_fhir.summary(found, basis)["text"]["div"]


def test_a_measure_report_is_valid_r4_stratified_and_masks_what_is_suppressed(told):
    found, basis = told(people(north=(60, 30, 20), south=(50, 25, 4), west=(40, 20, 15)), organizations=True)
    document = json.loads(encode(top_fhir.summary(found, basis)))
    MeasureReport.model_validate(document)
    (group,) = document["group"]
    assert (document["type"], document["period"]["start"]) == ("summary", "2025-07-01T00:00:00+00:00")
    assert [each["code"][0]["text"] for each in group["stratifier"]] == ["level", "pathway", "organization"]
    populations = [stratum["population"][0] for each in group["stratifier"] for stratum in each["stratum"]]
    masked = [each for each in populations if "count" not in each]
    assert masked and all(each["_count"]["extension"][0]["valueCode"] == "masked" for each in masked)
    assert all(each["count"] == 0 or each["count"] > 10 for each in populations if "count" in each)
