"""The data package from outside: what a version holds, in which order, and what is said about a name it lacks."""

import pytest

from fhir_profiles import CANONICAL, UnknownArtefact, artefacts, examples, load


def test_a_definition_is_loaded_by_its_id():
    extension = load("r4", "patient-personalization")
    assert extension["url"] == f"{CANONICAL}/StructureDefinition/patient-personalization"
    assert extension["fhirVersion"] == "4.0.1"


def test_the_type_tells_definitions_with_one_id_apart():
    assert load("r4", "CodeSystem/personalization-rationale")["resourceType"] == "CodeSystem"
    assert load("r4", "ValueSet/personalization-rationale")["resourceType"] == "ValueSet"
    assert load("r4", "StructureDefinition/personalization-rationale")["type"] == "Extension"


def test_an_ambiguous_name_is_answered_with_the_names_to_choose_from():
    with pytest.raises(
        UnknownArtefact,
        match=r"CodeSystem/personalization-level, ValueSet/personalization-level, SearchParameter/.*-level$",
    ):
        load("r4", "personalization-level")


def test_an_unknown_name_is_answered_with_what_exists():
    with pytest.raises(
        UnknownArtefact, match=r"no definition is called 'flag' in r4: .*StructureDefinition/measure-basis"
    ):
        load("r4", "flag")


@pytest.mark.parametrize("version", ["r3", "fsh", "", "../r4"])
def test_an_unknown_version_is_answered_with_what_exists(version):
    with pytest.raises(UnknownArtefact, match=r"ask for one of .*r4"):
        list(artefacts(version))


def test_a_server_that_checks_references_can_take_the_definitions_in_their_order():
    named_before = set()
    for definition in artefacts("r4"):
        ours = {url for url in _references(definition) if url.startswith(CANONICAL)}
        assert ours <= named_before | {definition["url"]}, definition["url"]
        named_before.add(definition["url"])


def test_every_definition_stands_under_the_canonical_by_its_type_and_id():
    for definition in artefacts("r4"):
        assert definition["url"] == f"{CANONICAL}/{definition['resourceType']}/{definition['id']}"


def test_examples_are_no_definitions():
    kinds = {example["resourceType"] for example in examples("r4")}
    assert kinds == {
        *("Device", "Flag", "List", "MeasureReport", "Observation", "Patient", "Provenance", "RiskAssessment")
    }


def _references(definition):
    """The definitions that a server has to know first: a value set's systems, a profile's value sets."""
    for include in definition.get("compose", {}).get("include", ()):
        yield include["system"]
    for element in definition.get("differential", {}).get("element", ()):
        if "binding" in element:
            yield element["binding"]["valueSet"]
