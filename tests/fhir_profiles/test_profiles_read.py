"""From FHIR back to a typed profile: each example, and what is said when a resource holds none or a broken one."""

import copy
import json
from datetime import date, datetime
from decimal import Decimal

import pytest

from fhir_profiles import CANONICAL, examples
from fhir_profiles.read import NoProfile, Rationale, UnreadableProfile, read_profile


def example(name):
    """The example as an app gets it: by json.loads, which makes floats of decimals."""
    (found,) = [one for one in examples("r4") if one["id"] == f"example-{name}"]
    return json.loads(json.dumps(found, default=float))


def test_a_patient_gives_level_and_pathways_and_refers_to_the_panel():
    profile = read_profile(example("patient-intensive"))
    assert (profile.level, profile.level_absent, profile.status) == ("intensive", None, None)
    assert profile.pathways == ("preferred-scheduling", "proactive-outreach")
    assert profile.as_of == datetime.fromisoformat("2026-03-01T00:00:00-05:00")
    assert profile.valid_until == datetime.fromisoformat("2026-04-01T00:00:00-04:00")
    assert profile.review_by == date(2026, 3, 31)
    assert profile.framework_version == "0.1.0"
    assert profile.profile == "Observation/example-panel-intensive"
    assert (profile.measures, profile.rationale) == ((), ())


def test_a_panel_gives_the_measures_and_the_reasons_too():
    profile = read_profile(example("panel-intensive"))
    assert (profile.level, profile.status) == ("intensive", "final")
    assert profile.pathways == ("preferred-scheduling", "proactive-outreach")
    assert profile.profile == "Observation/example-panel-intensive"
    assert len(profile.measures) == 24
    assert profile.rationale[0] == Rationale(
        code="ed-frequent",
        measure="ed-visits-p1y",
        value=Decimal(5),
        unit="1",
        threshold=Decimal(4),
        threshold_unit="1",
    )
    assert profile.rationale[-1] == Rationale(
        code="last-preventive-visit",
        measure="last-preventive-visit",
        value=date(2024, 5, 14),
        threshold=Decimal(18),
        threshold_unit="mo",
    )


def test_a_ratio_comes_with_the_numbers_under_it_as_exact_decimals():
    measure = read_profile(example("panel-intensive")).measure("coc-p1y")
    assert (measure.value, measure.unit, measure.window) == (Decimal("0.321429"), "1", "p1y")
    assert (measure.numerator, measure.denominator, measure.coverage) == (18, 56, Decimal("0.888889"))
    assert measure.definition == f"{CANONICAL}/CodeSystem/personalization-measure#coc-p1y"


def test_amounts_in_two_currencies_stay_two_measures():
    profile = read_profile(example("panel-intensive"))
    assert profile.measure("billed-charges-p1y", "USD").value == Decimal("48210.75")
    assert profile.measure("billed-charges-p1y", "CAD").value == Decimal("380")
    with pytest.raises(KeyError, match="billed-charges-p1y stands in several units, name one: USD, CAD"):
        profile.measure("billed-charges-p1y")
    with pytest.raises(KeyError, match="no measure billed-charges-p1y in EUR"):
        profile.measure("billed-charges-p1y", "EUR")


def test_a_date_stays_a_date():
    assert read_profile(example("panel-standard")).measure("last-preventive-visit").value == date(2025, 6, 12)


def test_zero_is_known_and_unknown_is_not_zero():
    zero = read_profile(example("panel-standard")).measure("billed-charges-p1m")
    unknown = read_profile(example("panel-enhanced")).measure("billed-charges-p1y")
    assert (zero.value, zero.unit, zero.unknown) == (Decimal(0), "XXX", None)
    assert (unknown.value, unknown.unknown, unknown.unknown_text) == (
        None,
        "unsupported",
        "The server does not expose Claim.",
    )


@pytest.mark.parametrize(("name", "reason"), [("panel-unknown", "unknown"), ("panel-deceased", "not-applicable")])
def test_a_panel_without_a_level_says_why(name, reason):
    profile = read_profile(example(name))
    assert (profile.level, profile.level_absent, profile.pathways) == (None, reason, ())


def test_every_panel_and_patient_of_the_examples_can_be_read():
    readable = [one for one in examples("r4") if one["resourceType"] in ("Observation", "Patient")]
    assert [read_profile(one).framework_version for one in readable] == ["0.1.0"] * 8


@pytest.mark.parametrize(
    ("text", "value"), [("0.1", "0.1"), ("2.50", "2.5"), ("123456789.12", "123456789.12"), ("3", "3")]
)
def test_a_float_from_json_becomes_the_decimal_that_was_written(text, value):
    panel = example("panel-standard")
    panel["component"][0]["valueQuantity"]["value"] = json.loads(text)
    assert read_profile(panel).measures[0].value == Decimal(value)


def test_a_moment_and_a_code_are_values_too():
    panel = example("panel-standard")
    first, second, *_ = panel["component"]
    del first["valueQuantity"], second["valueQuantity"]
    first["valueDateTime"] = "2026-02-01T10:00:00Z"
    second["valueCodeableConcept"] = {"coding": [{"system": "urn:example", "code": "monday"}]}
    values = [measure.value for measure in read_profile(panel).measures[:2]]
    assert values == [datetime.fromisoformat("2026-02-01T10:00:00+00:00"), "monday"]


def test_a_hospitals_own_coding_beside_ours_does_not_hide_ours():
    panel = example("panel-enhanced")
    panel["component"][0]["code"]["coding"].insert(0, {"system": "urn:hospital", "code": "V1"})
    assert read_profile(panel).measures[0].code == "visits-p1y"


@pytest.mark.parametrize(
    "resource", [{"resourceType": "Patient", "id": "p"}, {"resourceType": "Observation", "id": "p"}, {}]
)
def test_a_resource_without_a_profile_is_told_where_to_look(resource):
    with pytest.raises(NoProfile, match=r"bears no .*/patient-personalization: ask its server for the panel"):
        read_profile(resource)


def test_a_panel_entered_in_error_counts_as_absent():
    panel = example("panel-standard") | {"status": "entered-in-error"}
    with pytest.raises(NoProfile, match="this Observation is entered-in-error: treat its profile as absent"):
        read_profile(panel)


def sub(extension, url):
    return next(part for part in extension["extension"] if part["url"] == url)


def take(extension, url):
    extension["extension"].remove(sub(extension, url))


def bear_it_twice(panel):
    panel["extension"].append(copy.deepcopy(panel["extension"][0]))


def name_another_level(panel):
    sub(panel["extension"][0], "level")["valueCode"] = "standard"


def give_no_reason(panel):
    del panel["component"][0]["valueQuantity"]


def give_value_and_reason(panel):
    panel["component"][0]["dataAbsentReason"] = {"text": "both"}


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (bear_it_twice, "bears 2 profiles where one is allowed"),
        (name_another_level, "the extension says level standard, the panel's value says enhanced"),
        (give_no_reason, "component visits-p1y needs either a value or a dataAbsentReason"),
        (give_value_and_reason, "component visits-p1y needs either a value or a dataAbsentReason"),
        (lambda panel: take(panel["extension"][0], "asOf"), "asOf stands 0 times instead of once"),
        (lambda panel: take(panel["component"][0]["extension"][0], "window"), "window stands 0 times instead of once"),
        (lambda panel: panel["component"][0].pop("extension"), "component visits-p1y has 0 extensions measure-basis"),
        (lambda panel: panel["component"][0].pop("code"), "code is missing"),
        (lambda panel: panel["component"][0]["code"].update(coding=[]), "a concept has no coding"),
        (
            lambda panel: sub(panel["extension"][0], "asOf").update(valueDateTime="soon"),
            "Invalid isoformat string: 'soon'",
        ),
        (lambda panel: panel["component"][0]["valueQuantity"].update(value="many"), "'many' is no number"),
    ],
)
def test_a_broken_profile_is_refused_with_the_reason(break_it, message):
    panel = example("panel-enhanced")
    break_it(panel)
    with pytest.raises(UnreadableProfile, match=message) as refusal:
        read_profile(panel)
    assert str(refusal.value).startswith("this Observation ")
    assert panel["id"] not in str(refusal.value)


def test_a_patient_without_a_level_is_refused():
    patient = example("patient-intensive")
    take(patient["extension"][0], "level")
    with pytest.raises(UnreadableProfile, match="level stands 0 times instead of once"):
        read_profile(patient)
