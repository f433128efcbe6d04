"""The planted patients' expected profiles, worked by hand before the code: every measure that there is."""

from collections import Counter

import pytest
from expectations import EXPECTED, FAMILIES, cases, family

PROFILED = [who for who in EXPECTED if who != "p07-old"]


def test_every_expectation_of_a_measure_that_is_derived_is_looked_at():
    assert Counter(family(code) for _, code, _ in cases()) == FAMILIES


@pytest.mark.parametrize(("who", "code", "value"), cases())
def test_measure(derived, who, code, value):
    assert derived.value(who, code) == value


@pytest.mark.parametrize("who", PROFILED)
def test_level(derived, who):
    assert derived.level(who) == EXPECTED[who]["level"]


@pytest.mark.parametrize("who", PROFILED)
def test_pathways(derived, who):
    assert derived.profile(who)["pathways"] == sorted(EXPECTED[who]["pathways"])


@pytest.mark.parametrize("who", [who for who in PROFILED if "rationale" in EXPECTED[who]])
def test_reasons(derived, who):
    assert set(EXPECTED[who]["rationale"]) <= {code for code, _ in derived.reasons(who)}


def test_the_record_that_was_merged_away_has_no_profile(derived):
    assert set(derived.profiles) == {f"Patient/{who}" for who in PROFILED}


def test_four_emergency_visits_are_told_as_frequent_with_value_and_threshold(derived):
    (reason,) = [each for each in derived.profile("p03-emergency")["rationale"] if each["code"] == "ed-frequent"]
    assert (reason["measure"], reason["value"], reason["threshold"]) == ("ed-visits-p1y", 4, 4)


def test_the_deceased_have_no_level_and_it_says_why(derived):
    profile = derived.profile("p08-deceased")
    assert (profile["level"], profile["level_absent"], profile["pathways"], profile["rationale"]) == (
        None, "deceased", [], [],
    )  # fmt: skip


def test_sensitive_visits_leave_a_count_and_nothing_else(derived):
    profile = derived.profile("p14-sensitive")
    assert (profile["evidence"], profile["sensitive_excluded"]) == (["Encounter/enc-061"], 4)


def test_evidence_is_what_was_counted_of_all_merged_records(derived):
    assert derived.profile("p07-survivor")["evidence"] == [f"Encounter/enc-0{n}" for n in range(18, 23)]
    assert derived.profile("p10-money")["evidence"] == [
        "Claim/clm-034", "Claim/clm-036", "Claim/clm-037", "Claim/clm-039", "Claim/clm-041", "Encounter/enc-033",
        "ExplanationOfBenefit/eob-042",
    ]  # fmt: skip


def test_the_visits_that_cannot_be_placed_are_set_aside_with_the_reason(derived):
    assert derived.set_aside == {
        ("Encounter/enc-032", "the status is unknown"),
        ("Encounter/enc-044", "no start"),
    }
    assert derived.flattened["notes"]["end-before-start"] == 1
    assert derived.flattened["notes"]["start-partial"] == 1


def test_unknown_is_never_zero(derived):
    assert derived.unknown("p01-quiet", "coc-p1y") == "too-few"
    assert derived.unknown("p11-gaps", "coc-p1y") == "low-attribution"
    assert derived.unknown("p15-none", "last-preventive-visit") == "never-recorded"
    assert derived.unknown("p15-none", "billed-charges-p1y") is None
