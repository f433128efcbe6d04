"""What is published of measures and rules is what catalogue and policy say: a code in one place alone fails."""

import pytest

from fhir_profiles import load
from service.derive import Policy, catalogue_fsh, catalogue_md
from service.derive.catalogue import BY_CODE


@pytest.mark.parametrize("name", catalogue_fsh.files())
def test_the_code_systems_source_is_current(name):
    committed = (catalogue_fsh.FOLDER / name).read_text("utf-8")
    assert committed == catalogue_fsh.files()[name], (
        "run: python -m service.derive.catalogue_fsh, fhir_profiles/build.sh"
    )


def test_the_page_is_current():
    current = catalogue_md.PAGE.read_text("utf-8") == catalogue_md.page()
    assert current, "docs/measures.md: run python -m service.derive.catalogue_md"


def test_the_code_system_has_each_measure_and_nothing_else():
    concepts = load("r4", "CodeSystem/personalization-measure")["concept"]
    assert [concept["code"] for concept in concepts] == ["profile", *BY_CODE]


def test_each_reason_that_the_policy_gives_is_a_published_code():
    concepts = {concept["code"] for concept in load("r4", "CodeSystem/personalization-rationale")["concept"]}
    assert {rule.rationale_code for row in Policy.load().rows for rule in row.any} <= concepts


def test_the_page_tells_each_measure_and_each_threshold_with_its_source():
    page = catalogue_md.page()
    assert all(f"`{code}`" in page for code in BY_CODE)
    for rule in (rule for row in Policy.load().rows for rule in row.any):
        assert rule.source.startswith(("own choice", "PMC", "Kern")) and rule.source in page
