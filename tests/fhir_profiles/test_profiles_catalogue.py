"""The catalogue and the policy alone say which codes there are: one that is published and not derived fails here."""

from typing import get_args

import pytest

from fhir_profiles import load
from service.compose.panel import PROVIDERS
from service.derive import Policy
from service.derive.catalogue import BY_CODE, FAMILIES
from service.derive.measure import DIMENSIONS
from service.derive.rules import RATIONALES, Level, Pathway
from service.derive.windows import WINDOWS
from service.derive.wording import unknown_when


def codes(name):
    return {concept["code"] for concept in load("r4", f"CodeSystem/{name}")["concept"]}


def test_every_measure_is_published_and_every_published_measure_is_derived():
    assert codes("personalization-measure") == {"profile", *BY_CODE}


def test_every_rationale_of_the_policy_is_published():
    policy = Policy.load()
    rules = [rule for row in (*policy.level, *policy.pathway) for rule in row.any]
    assert {rule.rationale_code for rule in rules} <= codes("personalization-rationale")
    assert codes("personalization-rationale") == set(RATIONALES)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("level", get_args(Level)),
        ("pathway", get_args(Pathway)),
        ("dimension", DIMENSIONS),
        ("window", WINDOWS),
        ("provider-role", tuple(PROVIDERS.values())),
    ],
)
def test_a_code_that_the_service_gives_is_published_and_none_else(name, known):
    published = [concept["code"] for concept in load("r4", f"CodeSystem/personalization-{name}")["concept"]]
    assert published == list(known)


def test_every_level_and_pathway_of_the_policy_is_published():
    policy = Policy.load()
    assert {row.name for row in policy.level} < codes("personalization-level")
    assert {row.name for row in policy.pathway} == codes("personalization-pathway")


def test_each_measure_carries_formula_unit_window_source_and_what_unknown_means():
    told = {concept["code"]: concept for concept in load("r4", "CodeSystem/personalization-measure")["concept"]}
    for family in FAMILIES:
        for code, window in family.codes.items():
            said = {each["code"]: each for each in told[code]["property"]}
            assert said["formula"]["valueString"] == family.definition
            assert said["source"]["valueString"] == family.source
            assert said["window"]["valueCoding"]["code"] == window
            assert said["dimension"]["valueCoding"]["code"] == family.dimension
            assert said["unknown"]["valueString"] == f"Unknown when {unknown_when(family)}."
            assert told[code]["definition"].startswith(family.definition)


def test_what_is_mapped_to_public_codes_is_published():
    for name, system in (("measures", "measure"), ("pathways", "pathway")):
        groups = load("r4", f"ConceptMap/{name}-to-public-codes")["group"]
        mapped = {element["code"] for group in groups for element in group["element"]}
        assert mapped <= codes(f"personalization-{system}")
        licensed = [group for group in groups if "snomed" in group["target"] or "loinc" in group["target"]]
        targets = [target for group in licensed for element in group["element"] for target in element["target"]]
        assert all("display" not in target for target in targets), "of a licensed system the code alone is ours to give"
