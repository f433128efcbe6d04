"""The resolver over an invented population, against plain Python: one explanation a claim, its amounts in one place."""

import json
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from oracle.charges import bills, in_force
from oracle.people import people
from oracle.references import labelled_sensitive, target

from service.sandbox.population import generate

from .lakes import profiled

END, START, ZONE = datetime(2026, 7, 1, tzinfo=UTC), datetime(2025, 7, 1, tzinfo=UTC), ZoneInfo("UTC")
OWED = ("memberliability", "copay", "deductible", "coinsurance")


@pytest.fixture(scope="module")
def population():
    found = defaultdict(list)
    for line in generate(150, seed=7):
        resource = json.loads(line, parse_float=Decimal)
        found[resource["resourceType"]].append(resource)
    return found


def owed(explanation):
    """By currency; of the population's explanations each states what is owed in one place and one way."""
    at_items = [each for item in explanation["item"] for each in item.get("adjudication", [])]
    sums = {}
    for place in (explanation["total"], at_items):
        for each in place:
            if each["category"]["coding"][0]["code"] in OWED:
                currency = each["amount"]["currency"]
                sums[currency] = sums.get(currency, Decimal(0)) + each["amount"]["value"]
        if sums:
            return sums
    return None


def plainly(population):
    """By patient: the liability of the year, None where no claim of the year says anything of it."""
    of_claim = {target(each["claim"]): each for each in population["ExplanationOfBenefit"]}
    hidden = frozenset(f"Encounter/{each['id']}" for each in population["Encounter"] if labelled_sensitive(each))
    claims = defaultdict(list)
    for each in population["Claim"]:
        claims[target(each["patient"])].append(each)
    for person in people(population["Patient"], ZONE):
        mine = [each for record in person.records for each in claims[record]]
        counted = [each for each in in_force(bills(mine, hidden, ZONE), END, person.death) if each.when >= START]
        told = [owed(of_claim[each.id]) for each in counted if each.id in of_claim]
        known = [sums for sums in told if sums is not None]
        yield person.id, None if counted and not known else added(known)


def added(amounts):
    sums = {}
    for each in amounts:
        for currency, amount in each.items():
            sums[currency] = sums.get(currency, Decimal(0)) + amount
    return sums


def test_liability_of_the_population(tmp_path, population):
    flat = [each for kind in population.values() for each in kind]
    derived = profiled(tmp_path, flat, as_of=END)
    expected = dict(plainly(population))
    ours = {who: derived.value(who.removeprefix("Patient/"), "patient-liability-p1y") for who in derived.profiles}
    assert ours == expected
    assert sum(1 for each in expected.values() if each) > 10
    assert None in expected.values() and {} in expected.values()
