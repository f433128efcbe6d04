"""The resolver over Synthea's explanations, against plain Python that knows none of it."""

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from oracle.synthea import read

from .lakes import DATA, profiled

SYNTHEA = {
    "patient-liability": ("line_coinsrnc_amt", "line_bene_ptb_ddctbl_amt"),
    "insurer-paid": ("line_prvdr_pmt_amt",),
    "allowed-amount": ("line_alowd_chrg_amt",),
}


def plainly_summed(explanations, claims, variables, start, end):
    """By patient: the items' amounts of those variables, over explanations whose claim is dated in [start, end)."""
    dates = {claim["id"]: claim["billablePeriod"]["start"] for claim in claims}
    sums = {}
    for each in explanations:
        if not start <= datetime.fromisoformat(dates[each["claim"]["reference"].split("/")[1]]) < end:
            continue
        for said_of_item in (a for item in each["item"] for a in item.get("adjudication", [])):
            if said_of_item["category"]["coding"][0]["code"].rsplit("/", 1)[1] in variables:
                who = each["patient"]["reference"].split("/")[1]
                sums[who] = sums.get(who, Decimal(0)) + round(Decimal(said_of_item["amount"]["value"]), 6)
    return sums


@pytest.fixture(scope="module")
def synthea(tmp_path_factory):
    resources = read(DATA / "synthea" / "r4")
    resources["ExplanationOfBenefit"] = explanations = lines("ExplanationOfBenefit")
    flat = [each for kind in ("Patient", "Encounter", "Claim") for each in resources[kind]] + explanations
    end = datetime(2020, 1, 1, tzinfo=UTC)
    return resources, profiled(tmp_path_factory.mktemp("synthea"), flat, as_of=end)


def lines(kind):
    with gzip.open(DATA / "synthea" / "r4" / f"{kind}.ndjson.gz", "rt") as file:
        return [json.loads(line, parse_float=Decimal) for line in file]


@pytest.mark.parametrize("family", SYNTHEA)
def test_synthea_agrees_with_a_plain_sum(synthea, family):
    resources, derived = synthea
    start, end = datetime(2019, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
    expected = plainly_summed(resources["ExplanationOfBenefit"], resources["Claim"], SYNTHEA[family], start, end)
    ours = {who.split("/")[1]: derived.value(who.split("/")[1], f"{family}-p1y") for who in derived.profiles}
    assert {who: sums["USD"] for who, sums in ours.items() if sums} == expected
    assert len(expected) > 20


def test_of_synthea_nothing_is_known_that_is_not_said(synthea):
    """Its explanations never say what a patient paid; who has claims that are not explained is unknown."""
    _, derived = synthea
    whys = {derived.unknown(who.split("/")[1], "patient-paid-p1y") for who in derived.profiles}
    assert whys <= {None, "no-amounts", "not-adjudicated"}
    paid = [derived.value(who.split("/")[1], "patient-paid-p1y") for who in derived.profiles]
    assert all(each in (None, {}) for each in paid)
