"""Of whom nothing can be used, of them nothing is known: neither that there was no visit, nor that it cost nothing."""

import pytest
from oracle.histories import claim, encounter, patient, usd

from .lakes import profiled

VISITS = ("visits-p1y", "visits-p7d", "ed-visits-p1y", "stays-p1y", "contact-days-p1y", "inpatient-days-p1y", "upc-p1y")
MONEY = ("billed-charges-p1y", "billed-charges-p1m", "claims-p1y")
MISSHAPEN = b'{"resourceType":"Encounter","id":"e3","subject":{"reference":"Patient/misshapen"},"period":1}'


def visit(key, who, start="2026-03-01", **more):
    return encounter(key, "AMB", f"{start}T08:00:00Z", subject={"reference": f"Patient/{who}"}) | more


def bill(key, who, **more):
    return claim(key, "2026-03-01", patient={"reference": f"Patient/{who}"}) | {"total": usd("10")} | more


@pytest.fixture(scope="module")
def derived(tmp_path_factory):
    item = {"sequence": 1, "net": usd("3")}
    undated, unclear = {"period": {}}, {"status": "unknown"}
    return profiled(
        tmp_path_factory.mktemp("unusable"),
        [
            patient("seen-not-read", generalPractitioner=[{"reference": "Practitioner/gp"}]),
            visit("e1", "seen-not-read", **undated), visit("e2", "seen-not-read", **unclear),
            patient("misshapen"), ("Encounter", MISSHAPEN),
            patient("one-is-read"), visit("e4", "one-is-read", **undated), visit("e5", "one-is-read", "2020-01-01"),
            patient("never-came"),
            patient("planned-only"),
            visit("e6", "planned-only", status="planned"), visit("e7", "planned-only", **unclear),
            patient("old", active=False, link=[{"other": {"reference": "Patient/new"}, "type": "replaced-by"}]),
            patient("new"), visit("e8", "old", **undated), visit("e9", "new"),
            patient("moved", active=False, link=[{"other": {"reference": "Patient/here"}, "type": "replaced-by"}]),
            patient("here"), visit("e10", "moved", **undated),
            patient("billed-undated"), bill("c1", "billed-undated", created=None, billablePeriod={}),
            patient("billed-bare"), bill("c2", "billed-bare", total={"value": 10}),
            patient("billed-twice"), bill("c3", "billed-twice", total={"value": 10}), bill("c4", "billed-twice"),
            patient("total-in-words"),
            bill("c5", "total-in-words", total={"value": "x", "currency": "USD"}, item=[item]),
        ],
    )  # fmt: skip


@pytest.mark.parametrize("who", ["seen-not-read", "misshapen", "planned-only", "here"])
def test_visits_of_which_none_can_be_used_are_unknown_and_give_no_level(derived, who):
    assert {derived.unknown(who, code) for code in VISITS} == {"not-usable"}
    assert derived.level(who) is None
    assert derived.profile(who)["level_absent"] == "too-little-data"
    assert list(derived.profile(who)["pathways"]) == []


@pytest.mark.parametrize(("who", "visits"), [("one-is-read", 0), ("never-came", 0), ("new", 1), ("billed-bare", 0)])
def test_what_is_known_stays_known(derived, who, visits):
    assert derived.value(who, "visits-p1y") == visits
    assert derived.level(who) == "standard"


def test_a_general_practitioner_is_known_without_any_visit(derived):
    assert derived.mode("seen-not-read", "attachment-p1y") == "Practitioner/gp"
    assert derived.unknown("misshapen", "attachment-p1y") == "not-usable"


def test_claims_of_which_none_can_be_used_are_unknown(derived):
    assert {derived.unknown("billed-undated", code) for code in MONEY} == {"not-usable"}
    assert derived.unknown("never-came", "billed-charges-p1y") is None


@pytest.mark.parametrize("who", ["billed-bare", "total-in-words"])
def test_a_claim_whose_amount_cannot_be_read_is_a_claim_of_an_unknown_amount(derived, who):
    """Neither nothing, nor the sum of items that its total was to cover."""
    assert derived.unknown(who, "billed-charges-p1y") == "no-amounts"
    assert derived.value(who, "claims-p1y") == 1


def test_among_others_it_shows_in_the_coverage(derived):
    (row,) = derived.measures["Patient/billed-twice", "billed-charges-p1y"]
    assert (row["value"], row["coverage_numerator"], row["coverage_denominator"]) == (10, 1, 2)
