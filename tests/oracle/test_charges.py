"""In: hand-made claims. Out: the proof that the oracle charges them as defined."""

from decimal import Decimal

import pytest

from .histories import RESTRICTED, claim, measures, patient, resubmits, usd
from .references import Json
from .synthea import answers


@pytest.mark.parametrize(
    ("more", "charged"),
    [
        ({"total": usd("7.10"), "item": [{"net": usd("9.00")}]}, {"USD": Decimal("7.10")}),
        ({"item": [{"net": usd("10.05")}, {"net": usd("0.05")}]}, {"USD": Decimal("10.10")}),
        (
            {"item": [{"quantity": {"value": 3}, "unitPrice": usd("1.15"), "factor": Decimal("0.5")}]},
            {"USD": Decimal("1.725")},
        ),
        ({"item": [{"net": usd("1.00")}, {"net": usd("2.00", "EUR")}]}, {"USD": Decimal(1), "EUR": Decimal(2)}),
        ({"item": [{"sequence": 1}]}, None),
        ({"total": usd("7.10"), "status": "cancelled"}, {}),
        ({"total": usd("7.10"), "use": "predetermination"}, {}),
    ],
)
def test_what_a_claim_charges(more: Json, charged: dict[str, Decimal] | None) -> None:
    assert measures(claim("c", "2026-05-01") | more)["billed-charges-p1y"] == charged


def test_no_claims_and_no_claims_exposed_are_not_the_same() -> None:
    assert measures()["billed-charges-p1y"] == {}
    assert (
        answers({"Patient": [patient()], "Encounter": []}, "2026-07-01", "UTC")["Patient/p"].measures[
            "billed-charges-p1y"
        ]
        is None
    )


@pytest.mark.parametrize(
    ("dates", "month", "year"),
    [
        ({"billablePeriod": {"start": "2026-06-10"}, "created": "2025-01-01"}, 1, 1),
        ({"item": [{"servicedDate": "2026-06-20"}, {"servicedPeriod": {"start": "2026-05-20"}}]}, 0, 1),
        ({"created": "2025-06-30"}, 0, 0),
    ],
    ids=["billablePeriod", "earliest item", "created"],
)
def test_when_a_claim_counts(dates: Json, month: int, year: int) -> None:
    found = measures(claim("c", "2026-06-01", "1.00") | dates)
    assert [found[f"billed-charges-{window}"] for window in ("p1m", "p1y")] == [
        {"USD": 1} if n else {} for n in (month, year)
    ]


@pytest.mark.parametrize(
    ("claims", "charged"),
    [
        ([claim("b", "2026-05-02", "2.00", **resubmits("a"))], "2.00"),
        (
            [claim("b", "2026-05-02", "2.00", **resubmits("a")), claim("c", "2026-05-03", "4.00", **resubmits("b"))],
            "4.00",
        ),
        (
            [claim("b", "2026-05-02", "2.00", **resubmits("a")), claim("c", "2026-05-03", "4.00", **resubmits("a"))],
            "4.00",
        ),
        ([claim("b", "2026-05-02", "2.00", status="cancelled", **resubmits("a"))], "1.00"),
        (
            [
                claim("b", "2026-05-02", "2.00", status="cancelled", **resubmits("a")),
                claim("c", "2026-05-03", "4.00", **resubmits("b")),
            ],
            "4.00",
        ),
        ([claim("b", "2026-05-01", "2.00", **resubmits("a"))], "2.00"),
        ([claim("b", "2026-07-01", "2.00", **resubmits("a"))], "1.00"),
        ([claim("b", "2026-05-02", "2.00", **resubmits("absent"))], "3.00"),
    ],
    ids=["one", "a chain", "twice", "withdrawn", "over a withdrawn one", "same day", "not yet", "of what is not here"],
)
def test_of_a_claim_and_its_resubmissions_the_latest_counts(claims: list[Json], charged: str) -> None:
    assert measures(claim("a", "2026-05-01", "1.00"), *claims)["billed-charges-p1y"] == {"USD": Decimal(charged)}


def test_two_claims_of_one_preauthorisation_both_count() -> None:
    asked = claim("a", "2026-05-01", "1.00", use="preauthorization")
    both = [claim(key, "2026-05-02", "2.00", **resubmits("a")) for key in ("b", "c")]
    assert measures(asked, *both)["billed-charges-p1y"] == {"USD": Decimal("4.00")}


def test_what_a_sensitive_claim_replaced_is_not_brought_back() -> None:
    replaced, sensitive = (
        claim("a", "2026-05-01", "1.00"),
        claim("b", "2026-05-02", "2.00", meta=RESTRICTED, **resubmits("a")),
    )
    assert measures(replaced, sensitive)["billed-charges-p1y"] == {}
