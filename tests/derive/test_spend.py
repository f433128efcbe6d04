"""What payers say of claims: allowed, paid, owed; each amount once, and what is unknown says why."""

import pytest
from oracle.histories import RESTRICTED, encounter, patient, resubmits, usd

from .explanations import BLUE_BUTTON, VARIABLES, billed, explanation, money, of, on, response, said
from .lakes import profiled

PARTS = [said("copay", "10"), said("deductible", "20"), said("coinsurance", "5")]
TAKEN_BACK = [said("copay", "-10"), said("deductible", "-20"), said("coinsurance", "-5")]
OWED_35, NOTHING = money(USD="35"), {}


def line(variable, value):
    return said(f"{VARIABLES}/{variable}", value, system=BLUE_BUTTON)


# who: resources, then the year's patient liability ({} none, None: unknown)
CASES = {
    "parts-at-items": (lambda w: on(w, of(w, items=[PARTS, [said("copay", "1.50")]])), money(USD="36.50")),
    "parts-in-total": (lambda w: on(w, of(w, total=PARTS)), OWED_35),
    "parts-in-header": (lambda w: on(w, of(w, header=PARTS)), OWED_35),
    "total-and-items": (lambda w: on(w, of(w, total=PARTS, items=[PARTS])), OWED_35),
    "total-header-and-items": (lambda w: on(w, of(w, total=PARTS, header=PARTS, items=[PARTS])), OWED_35),
    "one-part-in-total-others-at-items": (
        lambda w: on(w, of(w, total=[said("copay", "11")], items=[PARTS])), money(USD="36"),
    ),
    "member-liability": (lambda w: on(w, of(w, total=[said("memberliability", "40")])), money(USD="40")),
    "member-liability-and-parts": (
        lambda w: on(w, of(w, total=[said("memberliability", "40"), *PARTS])), money(USD="40"),
    ),
    "member-liability-at-items-and-parts-in-total": (
        lambda w: on(w, of(w, total=PARTS, items=[[said("memberliability", "40")]])), money(USD="40"),
    ),
    "blue-button": (
        lambda w: on(w, of(w, items=[[line("line_coinsrnc_amt", "5.25"), line("line_bene_ptb_ddctbl_amt", "2")]])),
        money(USD="7.25"),
    ),
    "owes-nothing": (lambda w: on(w, of(w, total=[said("copay", "0")])), money(USD="0")),
    "not-covered-is-nobodys": (lambda w: on(w, of(w, total=[said("noncovered", "50")])), None),
    "added-by-the-payer": (
        lambda w: on(w, of(w, items=[PARTS], addItem=[{"adjudication": [said("copay", "1")]}])), money(USD="36"),
    ),
    "currencies": (
        lambda w: on(w, of(w, items=[[said("copay", "10"), said("copay", "7", "EUR")]])), money(USD="10", EUR="7"),
    ),
    "no-currency": (
        lambda w: on(w, of(w, items=[[said("copay", "10"), said("deductible", "7", None)]])), None,
    ),
    "only-a-response": (lambda w: on(w, response(f"{w}-r", f"{w}-c", who=w, total=PARTS)), OWED_35),
    "explanation-and-response": (
        lambda w: on(w, of(w, total=PARTS), response(f"{w}-r", f"{w}-c", who=w, total=PARTS)), OWED_35,
    ),
    "later-one": (
        lambda w: on(
            w, of(w, "old", total=PARTS, created="2026-03-05"),
            of(w, "new", total=[said("copay", "9")], created="2026-03-09"),
        ),
        money(USD="9"),
    ),
    "later-one-queued": (
        lambda w: on(
            w, of(w, "old", total=PARTS, created="2026-03-05"),
            of(w, "new", total=[said("copay", "9")], created="2026-03-09", outcome="queued"),
        ),
        OWED_35,
    ),
    "cancelled": (lambda w: on(w, of(w, total=PARTS, status="cancelled")), None),
    "cancelled-and-anew": (
        lambda w: on(
            w, of(w, "old", total=PARTS, status="cancelled", created="2026-03-09"),
            of(w, "new", total=[said("copay", "9")]),
        ),
        money(USD="9"),
    ),
    "reversed": (
        lambda w: on(w, of(w, total=PARTS), of(w, "back", total=TAKEN_BACK, created="2026-03-09")),
        money(USD="0"),
    ),
    "reversed-in-part": (
        lambda w: on(w, of(w, total=PARTS), of(w, "back", total=[said("deductible", "-20")], created="2026-03-09")),
        money(USD="15"),
    ),
    "reversed-and-anew": (
        lambda w: on(
            w,
            of(w, "1", total=[said("copay", "35")], created="2026-03-02"),
            of(w, "2", total=[said("copay", "-35")], created="2026-03-09"),
            of(w, "3", total=[said("copay", "30")], created="2026-03-09"),
        ),
        money(USD="30"),
    ),
    "of-a-claim-that-was-replaced": (
        lambda w: [
            billed(f"{w}-a", w), billed(f"{w}-b", w, **resubmits(f"{w}-a")),
            of(w, "old", "a", total=PARTS), of(w, "new", "b", total=[said("copay", "9")]),
        ],
        money(USD="9"),
    ),
    "of-a-cancelled-claim": (lambda w: on(w, of(w, total=PARTS), status="cancelled"), NOTHING),
    "preauthorisation": (lambda w: on(w, of(w, total=PARTS, use="preauthorization")), None),
    "claim-not-pulled": (lambda w: [of(w, about="elsewhere", total=PARTS)], OWED_35),
    "no-claim-named": (lambda w: [explanation(f"{w}-e", who=w, total=PARTS)], OWED_35),
    "reversal-by-itself": (
        lambda w: [
            explanation(f"{w}-e", who=w, total=PARTS),
            explanation(f"{w}-f", who=w, total=[said("copay", "-10")], created="2026-03-09"),
        ],
        money(USD="25"),
    ),
    "replaced-by-name": (
        lambda w: [
            of(w, "old", about="x", total=PARTS),
            of(w, "new", about="y", total=[said("copay", "9")], **resubmits(f"{w}-x")),
        ],
        money(USD="9"),
    ),
    "dated-by-the-claim": (lambda w: on(w, of(w, total=PARTS, day="2026-03-01"), day="2024-01-01"), NOTHING),
    "dated-by-the-claim-not-by-itself": (lambda w: on(w, of(w, total=PARTS, day="2024-01-01")), OWED_35),
    "dated-by-itself": (lambda w: [of(w, about="elsewhere", total=PARTS, day="2024-01-01")], NOTHING),
    "another-is-not-explained": (lambda w: [*on(w, of(w, total=PARTS)), billed(f"{w}-d", w)], OWED_35),
    "claim-without-explanation": (lambda w: on(w), None),
    "no-claims": (lambda _: [], NOTHING),
    "labelled": (lambda w: on(w, of(w, total=PARTS, meta=RESTRICTED)), None),
    "of-a-labelled-claim": (lambda w: on(w, of(w, total=PARTS), meta=RESTRICTED), NOTHING),
    "of-a-labelled-claim-set-aside": (
        lambda w: on(w, of(w, total=PARTS), meta=RESTRICTED, total="-1"), NOTHING,
    ),
    "for-a-labelled-visit": (
        lambda w: [
            encounter(f"{w}-v", "AMB", "2026-03-01T08:00:00Z", who=w, meta=RESTRICTED),
            explanation(f"{w}-e", who=w) | {
                "item": [{"adjudication": PARTS, "encounter": [{"reference": f"Encounter/{w}-v"}]}]
            },
        ],
        NOTHING,
    ),
}  # fmt: skip
WHY = {
    "no-currency": "no-amounts",
    "not-covered-is-nobodys": "no-amounts",
    "cancelled": "not-adjudicated",
    "preauthorisation": "not-adjudicated",
    "claim-without-explanation": "not-adjudicated",
    "labelled": "not-adjudicated",
}


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    resources = [each for who, (build, _) in CASES.items() for each in build(who)]
    resources += [
        *on("kinds", of("kinds", total=OTHER_KINDS)),
        *on("payees", of("payees", total=PAYEES, patientPaid=usd("4"))),
    ]
    return profiled(tmp_path_factory.mktemp("spend"), [*map(patient, (*CASES, "kinds", "payees")), *resources])


@pytest.mark.parametrize("who", CASES)
def test_liability_of_the_year(settled, who):
    assert settled.value(who, "patient-liability-p1y") == CASES[who][1]
    assert settled.unknown(who, "patient-liability-p1y") == WHY.get(who)


def test_no_claims_is_a_known_zero_in_no_currency(settled):
    (row,) = settled.measures["Patient/no-claims", "patient-liability-p1y"]
    assert (row["unit"], row["value"]) == ("XXX", 0)


def test_coverage_counts_the_claims_of_which_it_is_known(settled):
    (row,) = settled.measures["Patient/another-is-not-explained", "patient-liability-p1y"]
    assert (row["coverage_numerator"], row["coverage_denominator"]) == (1, 2)


def test_a_claim_with_an_explanation_is_billed_once(settled):
    assert settled.value("parts-in-total", "billed-charges-p1y") == money(USD="100")
    assert settled.value("parts-in-total", "claims-p1y") == 1
    assert settled.value("claim-not-pulled", "billed-charges-p1y") == NOTHING


def test_an_amount_without_a_currency_is_told_of(settled):
    assert settled.flattened["notes"]["amount-without-currency"] == 1


def test_the_planted_patients(derived):
    assert derived.value("p10-money", "patient-liability-p1y") == money(USD="2520")
    assert derived.value("p10-money", "insurer-paid-p1y") == money(USD="80.10")
    assert derived.value("p10-money", "patient-paid-p1y") is None
    assert derived.unknown("p01-quiet", "patient-liability-p1y") == "not-adjudicated"
    assert derived.value("p10-money", "claims-p1y") == 4
    (refused,) = derived.measures["Patient/p10-money", "claims-refused-p1y"]
    assert (refused["numerator"], refused["denominator"]) == (1, 5)


def test_what_neither_type_is_exposed_for_is_not_exposed(tmp_path):
    derived = profiled(tmp_path, [patient("p"), billed("c", "p")])
    assert derived.unknown("p", "patient-liability-p1y") == "not-exposed"
    assert derived.unknown("p", "insurer-paid-p1y") == "not-exposed"
    assert derived.unknown("p", "billed-charges-p1y") is None


OTHER_KINDS = [
    said("eligible", "90"), said("benefit", "60"), said("paidtoprovider", "60"), said("paidbypatient", "12"),
    said("paidbypatientcash", "12"), said("submitted", "120"),
]  # fmt: skip


PAYEES = [said("paidtoprovider", "60"), said("paidtopatient", "6")]


def test_each_kind_is_known_apart_and_told_once(settled):
    assert settled.value("kinds", "allowed-amount-p1y") == money(USD="90")
    assert settled.value("kinds", "insurer-paid-p1y") == money(USD="60")
    assert settled.value("kinds", "patient-paid-p1y") == money(USD="12")
    assert settled.value("kinds", "patient-liability-p1y") is None
    assert settled.value("kinds", "billed-charges-p1y") == money(USD="100")


def test_what_is_paid_to_provider_and_to_patient_is_summed(settled):
    assert settled.value("payees", "insurer-paid-p1y") == money(USD="66")
    assert settled.value("payees", "patient-paid-p1y") == money(USD="4")


@pytest.mark.parametrize("unknown", [(), ("Claim",)])
def test_a_source_without_claims_is_billed_by_its_explanations(tmp_path, unknown):
    submitted = [said("submitted", "120"), *PARTS]
    told = explanation("e", who="p", total=submitted)
    derived = profiled(tmp_path, [patient("p"), patient("q"), told], unknown=unknown)
    assert derived.value("p", "billed-charges-p1y") == money(USD="120")
    assert derived.value("p", "claims-p1y") == 1
    assert derived.value("q", "billed-charges-p1y") == NOTHING
    assert derived.value("p", "patient-liability-p1y") == OWED_35
