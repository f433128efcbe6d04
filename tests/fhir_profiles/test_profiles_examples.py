"""Every committed resource is FHIR R4, and the examples use no code, display or currency that is not defined."""

import hashlib
from base64 import urlsafe_b64encode

import pytest
from fhir.resources.R4B import get_fhir_model_class

from fhir_profiles import CANONICAL, artefacts, examples, load

# The datatypes that STU3, R4 and R5 share: anything else could not be carried over to the other versions.
SHARED_TYPES = {
    *("CodeableConcept", "Extension", "Period", "Quantity", "Reference"),
    *("code", "date", "dateTime", "decimal", "string", "uri"),
}


def test_every_committed_resource_is_r4():
    resources = [*artefacts("r4"), *examples("r4")]
    assert len(resources) > 20
    for resource in resources:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)


def test_every_coding_of_ours_is_defined_and_shown_as_defined():
    codings = [coding for example in examples("r4") for coding in _codings(example)]
    assert len(codings) > 50
    for coding in codings:
        assert _concepts(coding["system"])[coding["code"]] == coding.get(
            "display", _concepts(coding["system"])[coding["code"]]
        )


def test_every_code_in_an_extension_is_in_the_value_set_it_is_bound_to():
    codes = [found for example in examples("r4") for found in _extension_codes(example)]
    assert {part for _, part, _ in codes} == {"code", "level", "measure", "role", "window"}
    for url, part, code in codes:
        assert code in _bound_codes(url, part), f"{part} of {url}"


def test_a_measure_of_the_examples_has_the_window_of_its_definition():
    windows = {concept["code"]: _property(concept, "window") for concept in _code_system("personalization-measure")}
    for component in _components():
        (basis,) = component["extension"]
        (window,) = [part["valueCode"] for part in basis["extension"] if part["url"] == "window"]
        assert window == windows[component["code"]["coding"][0]["code"]]["valueCoding"]["code"]


def test_every_measure_says_its_dimension_window_unit_and_source():
    panel, *measures = _code_system("personalization-measure")
    assert panel["code"] == "profile"
    for concept in measures:
        assert {entry["code"] for entry in concept["property"]} == {
            *("dimension", "window", "unit", "source", "formula", "unknown")
        }
        for coding in _codings(concept):
            assert coding["code"] in _concepts(coding["system"])
        for said in ("Unit: ", "Window: ", "Source: ", "Unknown when "):
            assert said in concept["definition"], concept["code"]


def test_the_examples_show_each_level_and_both_reasons_for_none():
    panels = [example for example in examples("r4") if example["resourceType"] == "Observation"]
    shown = {
        coding["code"]
        for panel in panels
        for concept in (panel.get("valueCodeableConcept") or panel["dataAbsentReason"],)
        for coding in concept["coding"]
    }
    assert shown == {"standard", "enhanced", "intensive", "unknown", "not-applicable"}


def test_money_is_shown_in_several_currencies_and_as_a_known_zero():
    money = [value for value in _quantities() if value["system"] == "urn:iso:std:iso:4217"]
    assert {value["code"] for value in money} == {"USD", "CAD", "MXN", "XXX"}
    assert {value["value"] for value in money if value["code"] == "XXX"} == {0}


def test_the_digest_is_that_of_the_sorted_references_it_is_said_to_be():
    (digest,) = [example for example in examples("r4") if example["id"] == "example-provenance-many"]
    lines = sorted(
        [f"Claim/intensive-{n:02}\n" for n in range(1, 47)] + [f"Encounter/intensive-{n:02}\n" for n in range(1, 18)]
    )
    expected = urlsafe_b64encode(hashlib.sha256("".join(lines).encode()).digest()).decode().rstrip("=")
    assert digest["contained"][0]["identifier"][0]["value"] == f"ni:///sha-256;{expected}"
    assert digest["contained"][0]["note"][0]["text"].startswith(f"{len(lines)} ")


@pytest.mark.parametrize(
    "name", ["patient-personalization", "measure-basis", "StructureDefinition/personalization-rationale"]
)
def test_the_extensions_use_only_datatypes_that_all_versions_share(name):
    types = {
        kind["code"] for element in load("r4", name)["differential"]["element"] for kind in element.get("type", ())
    }
    assert types <= SHARED_TYPES


def test_every_rule_has_a_key_of_its_own_and_says_in_words_what_it_asks():
    rules = [
        rule
        for definition in artefacts("r4")
        for element in definition.get("differential", {}).get("element", ())
        for rule in element.get("constraint", ())
    ]
    assert len({rule["key"] for rule in rules}) == len(rules) >= 10
    assert all(rule["human"].endswith(".") and rule["severity"] == "error" for rule in rules)


def _walk(node):
    yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _walk(child)


def _codings(resource):
    """Codings in code systems of ours; an installation's tag is drawn by it and defined by nobody."""
    for node in _walk(resource):
        if isinstance(node, dict) and "code" in node and str(node.get("system")).startswith(f"{CANONICAL}/CodeSystem/"):
            yield node


def _extension_codes(resource):
    for node in _walk(resource):
        if isinstance(node, dict) and str(node.get("url")).startswith(CANONICAL):
            for part in node["extension"]:
                if "valueCode" in part:
                    yield node["url"], part["url"], part["valueCode"]


def _bound_codes(extension_url, part):
    definition = load("r4", extension_url.removeprefix(f"{CANONICAL}/"))
    elements = {element["id"]: element for element in definition["differential"]["element"]}
    value_set = load(
        "r4", elements[f"Extension.extension:{part}.value[x]"]["binding"]["valueSet"].removeprefix(f"{CANONICAL}/")
    )
    return {code for include in value_set["compose"]["include"] for code in _concepts(include["system"])}


def _concepts(system):
    return {concept["code"]: concept["display"] for concept in _code_system(system.rpartition("/")[2])}


def _code_system(name):
    return load("r4", f"CodeSystem/{name}")["concept"]


def _property(concept, code):
    return next((entry for entry in concept.get("property", ()) if entry["code"] == code), None)


def _components():
    return [component for example in examples("r4") for component in example.get("component", ())]


def _quantities():
    return [component["valueQuantity"] for component in _components() if "valueQuantity" in component]
