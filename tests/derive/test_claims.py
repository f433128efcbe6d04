"""Which claims count, what they charge, and what is known of it."""

from decimal import Decimal

import pytest
from oracle.histories import RESTRICTED, claim, encounter, patient, resubmits, usd

from .lakes import profiled


def of(who, key, total=None, *, day="2026-03-01", **more):
    return claim(f"{who}-{key}", day, total, patient={"reference": f"Patient/{who}"}, **more)


def again(who, key):
    return resubmits(f"{who}-{key}")


def item(**more):
    return {"sequence": 1, **more}


# who: claims, then the year's charges (None: unknown)
CASES = {
    "none": ([], {}),
    "two-currencies": (
        [of("two-currencies", "a", "10.10"), of("two-currencies", "b", "5", currency="EUR")],
        {"USD": Decimal("10.10"), "EUR": Decimal(5)},
    ),
    "a-chain": (
        [
            of("a-chain", "a", "100"),
            of("a-chain", "b", "110", **again("a-chain", "a")),
            of("a-chain", "c", "120", **again("a-chain", "b")),
        ],
        {"USD": 120},
    ),
    "cancelled-between": (
        [
            of("cancelled-between", "a", "100"),
            of("cancelled-between", "b", "110", status="cancelled", **again("cancelled-between", "a")),
            of("cancelled-between", "c", "120", **again("cancelled-between", "b")),
        ],
        {"USD": 120},
    ),
    "cancelled-at-the-end": (
        [
            of("cancelled-at-the-end", "a", "100"),
            of("cancelled-at-the-end", "b", "110", status="cancelled", **again("cancelled-at-the-end", "a")),
        ],
        {"USD": 100},
    ),
    "a-fork": (
        [
            of("a-fork", "a", "100"),
            of("a-fork", "b", "110", day="2026-03-03", **again("a-fork", "a")),
            of("a-fork", "c", "120", day="2026-03-02", **again("a-fork", "a")),
        ],
        {"USD": 110},
    ),
    "one-for-two": (
        [
            of("one-for-two", "a", "1"),
            of("one-for-two", "b", "2"),
            of(
                "one-for-two", "c", "30",
                related=[*again("one-for-two", "a")["related"], *again("one-for-two", "b")["related"]],
            ),
        ],
        {"USD": 30},
    ),
    "entered-in-error": ([of("entered-in-error", "a", "1", status="entered-in-error")], {}),
    "preauthorised": ([of("preauthorised", "a", "1", use="preauthorization")], {}),
    "stu3": (
        [of("stu3", "a", use="complete") | {"total": {"value": Decimal("9.5"), "code": "USD"}}],
        {"USD": Decimal("9.5")},
    ),
    "items": (
        [
            of(
                "items", "a",
                item=[
                    item(net=usd("10.05")),
                    item(quantity={"value": 3}, unitPrice=usd("1.15"), factor=Decimal("0.5")),
                    item(unitPrice=usd("2", "EUR")),
                ],
            )
        ],
        {"USD": Decimal("11.775"), "EUR": 2},
    ),
    "a-million": (
        [
            of("a-million", "a", item=[item(quantity={"value": 3}, unitPrice=usd("677135.30"), factor=Decimal("1.5"))]),
            of("a-million", "b", item=[item(quantity={"value": 400000}, unitPrice=usd("900000", "IDR"))]),
        ],
        {"USD": Decimal("3047108.85"), "IDR": 360_000_000_000},
    ),
    "no-amount": ([of("no-amount", "a"), of("no-amount", "b", item=[item(quantity={"value": 3})])], None),
    "total-beats-items": ([of("total-beats-items", "a", "7", item=[item(net=usd("10"))])], {"USD": 7}),
    "labelled": ([of("labelled", "a", "7", meta=RESTRICTED), of("labelled", "b", "1")], {"USD": 1}),
    "for-a-labelled-visit": (
        [
            of("for-a-labelled-visit", "a", "7", item=[item(encounter=[{"reference": "Encounter/hidden"}])]),
            of("for-a-labelled-visit", "b", "7", item=[item(encounter=[{"reference": "Encounter/hidden-set-aside"}])]),
            of("for-a-labelled-visit", "c", "1"),
        ],
        {"USD": 1},
    ),
    "labelled-later": (
        [
            of("labelled-later", "a", "7"),
            of("labelled-later", "b", "8", meta=RESTRICTED, **again("labelled-later", "a")),
        ],
        {},
    ),
}  # fmt: skip
HIDDEN = [
    encounter("hidden", "AMB", "2026-03-01T08:00:00Z", who="for-a-labelled-visit", meta=RESTRICTED),
    encounter(
        "hidden-set-aside", "AMB", "2026-03-01T08:00:00Z", who="for-a-labelled-visit", meta=RESTRICTED, status="unknown"
    ),
]


@pytest.fixture(scope="module")
def billed(tmp_path_factory):
    claims = [each for rows, _ in CASES.values() for each in rows]
    return profiled(tmp_path_factory.mktemp("claims"), [*map(patient, CASES), *HIDDEN, *claims])


@pytest.mark.parametrize("who", CASES)
def test_charges_of_the_year(billed, who):
    assert billed.value(who, "billed-charges-p1y") == CASES[who][1]


def test_no_charges_is_a_known_zero_in_no_currency(billed):
    (row,) = billed.measures["Patient/none", "billed-charges-p1y"]
    assert (row["unit"], row["value"], row["unknown"]) == ("XXX", 0, None)


def test_coverage_counts_the_claims_whose_amount_is_known(billed):
    (row,) = billed.measures["Patient/no-amount", "billed-charges-p1y"]
    assert (row["unknown"], row["coverage_numerator"], row["coverage_denominator"]) == ("no-amounts", 0, 2)


def test_a_hidden_visit_hides_its_claims_from_the_evidence(billed):
    assert billed.profile("for-a-labelled-visit")["evidence"] == ["Claim/for-a-labelled-visit-c"]


def test_claims_that_are_not_exposed_are_unknown_and_nothing_else_is(tmp_path):
    derived = profiled(tmp_path, [patient("p"), encounter("a", "AMB", "2026-03-01T08:00:00Z")], unknown=["Claim"])
    assert derived.unknown("p", "billed-charges-p1y") == "not-exposed"
    assert derived.value("p", "billed-charges-p1y") is None
    assert derived.value("p", "outpatient-visits-p1y") == 1
    assert derived.level("p") == "standard"


def test_a_claim_that_replaces_itself_in_a_circle_is_told_of(tmp_path):
    resources = [
        patient("p"),
        claim("a", "2026-03-01", "1", **resubmits("b")),
        claim("b", "2026-03-01", "2", **resubmits("a")),
    ]
    derived = profiled(tmp_path, resources)
    assert derived.report["notes"]["cyclic-prior"] == 2
    assert derived.value("p", "billed-charges-p1y") == {"USD": 3}
