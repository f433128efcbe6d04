"""The catalogue and the policy alone say which codes there are: one that is published and not derived fails here."""

from fhir_profiles import load
from service.derive import Policy
from service.derive.catalogue import BY_CODE


def codes(name):
    return {concept["code"] for concept in load("r4", f"CodeSystem/{name}")["concept"]}


def test_every_measure_is_published_and_every_published_measure_is_derived():
    assert codes("personalization-measure") == {"profile", *BY_CODE}


def test_every_rationale_of_the_policy_is_published():
    policy = Policy.load()
    rules = [rule for row in (*policy.level, *policy.pathway) for rule in row.any]
    assert {rule.rationale_code for rule in rules} <= codes("personalization-rationale")
