"""What is wrong with a view or with the lines, it is said where and what to do, on stderr in one line, with exit 2."""

import json

import pytest

PATIENTS = [
    {"resourceType": "Patient", "id": "1", "active": True, "name": [{"family": "One"}]},
    {"resourceType": "Patient", "id": "2", "name": [{"family": "Two"}, {"family": "Deux"}]},
]


def of(*paths, resource="Patient", **more):
    columns = [{"name": f"c{n}", "path": path} for n, path in enumerate(paths)]
    return {"resource": resource, "select": [{"column": columns}], **more}


def each(path, **more):
    return {"resource": "Patient", "select": [{"forEach": path, "column": [{"name": "c", "path": "id"}], **more}]}


NOT_VALID = {
    "no resource": ({"select": [{"column": [{"name": "id", "path": "id"}]}]}, "resource: is missing"),
    "nothing selected": ({"resource": "Patient", "select": []}, "select: is empty"),
    "a misspelt element": (
        {"resource": "Patient", "select": [{"forEeach": "name", "column": [{"name": "id", "path": "id"}]}]},
        "select[0].forEeach: there is no such element here",
    ),
    "a name no database takes": (
        {"resource": "Patient", "select": [{"column": [{"name": "a b", "path": "id"}]}]},
        "select[0].column[0].name: a name starts with a letter",
    ),
    "two kinds of rows": (each("name", repeat=["contact"]), "only one of forEach, forEachOrNull and repeat"),
    "a constant without a value": (of("id", constant=[{"name": "x"}]), "constant[0]: a constant has one value"),
    "two columns of one name": (
        {"resource": "Patient", "select": [{"column": [{"name": "c", "path": "id"}, {"name": "c", "path": "id"}]}]},
        "two columns are named c",
    ),
}
NO_SENSE = {
    "an unknown resource": (of("id", resource="Pateint"), 'FHIR R4 has no resource Pateint|Did you mean "Patient"?'),
    "an unknown element": (of("name.familly"), '.path: name.»familly|Did you mean "family"?'),
    "an unknown element of a version": (of("animal"), "Patient has no element animal|In FHIR R4 it has"),
    "a choice by its name in JSON": (of("deceasedBoolean"), "Write deceased.ofType(boolean)"),
    "a choice not made": (of("deceased"), "deceased may be of several types"),
    "a choice there is not": (of("deceased.ofType(Period)"), "deceased is never a Period"),
    "an unknown constant": (
        of("name.where(use = %us).family", constant=[{"name": "use", "valueCode": "x"}]),
        "no constant is named us|»%us",
    ),
    "an unknown function": (of("name.last()"), "last() is no function of SQL on FHIR"),
    "too many arguments": (of("name.first(1)"), "first() takes 0 arguments"),
    "no FHIRPath": (of("name..family"), "this is no FHIRPath|name.».family"),
    "half a FHIRPath": (of("name.where("), "the path ends too early"),
    "an object as a value": (of("name.first()"), "the column c0 would be a HumanName"),
    "a comparison without meaning": (of("birthDate = 'x'"), "a date cannot be compared with a string|@2020-01-31"),
    "a criterion that is none": (of("id", where=[{"path": "name.family"}]), "where[0].path: name.»family"),
    "a key of a part": (of("name.first().getResourceKey()"), "only a resource has a key"),
    "another type than declared": (
        {"resource": "Patient", "select": [{"column": [{"name": "c", "path": "active", "type": "string"}]}]},
        "the column c is declared as string, and is a boolean",
    ),
    "a union of unlike columns": (
        {
            "resource": "Patient",
            "select": [{"unionAll": [{"column": [{"name": n, "path": "id"}]} for n in ("a", "b")]}],
        },
        "select[0].unionAll[1]",
    ),
}


@pytest.mark.parametrize(("view", "said"), (NOT_VALID | NO_SENSE).values(), ids=(NOT_VALID | NO_SENSE))
def test_a_view_in_the_wrong(flattened, view, said):
    refused = flattened(view, PATIENTS)
    assert refused.code == 2
    assert "view.json" in refused.err
    assert all(part in refused.err for part in said.split("|")), refused.err
    assert refused.err.count("\n") == 1


def test_a_view_that_is_no_json(personalize, tmp_path):
    (tmp_path / "view.json").write_text("{")
    refused = personalize("flatten", "--view", "view.json")
    assert (refused.code, "the view is no JSON" in refused.err) == (2, True)


def test_a_type_with_no_files(flattened):
    refused = flattened(of("id", resource="Encounter"), PATIENTS)
    assert refused.code == 2
    assert "no file here holds Encounter" in refused.err


def test_lines_that_are_all_of_another_type(flattened, personalize):
    flattened(of("id"), PATIENTS)
    refused = personalize("flatten", "--view", "view.json", "--from", "Patient.ndjson")
    assert refused.code == 0
    flattened(of("id", resource="Encounter"), PATIENTS)
    refused = personalize("flatten", "--view", "view.json", "--from", "Patient.ndjson")
    assert refused.code == 2
    assert "none of 2 lines is an Encounter (Patient.ndjson)" in refused.err


def test_a_place_that_cannot_be_written(flattened, personalize, tmp_path):
    flattened(of("id"), PATIENTS)
    refused = personalize("flatten", "--view", "view.json", "--out", "view.json/table.csv")
    assert refused.code == 2
    assert "the table cannot be written" in refused.err


def test_several_values_where_one_is_meant(flattened, tmp_path):
    refused = flattened(of("name.family"), PATIENTS)
    assert refused.code == 2
    assert "several values where one is meant (view.json: select[0].column[0].path" in refused.err
    assert "set the column's collection to true" in refused.err
    assert not list(tmp_path.glob("*.parquet*"))


def test_a_resource_without_the_id_that_its_key_needs(flattened):
    assert flattened(of("getResourceKey()"), PATIENTS).code == 0
    refused = flattened(of("getResourceKey()"), [*PATIENTS, {"resourceType": "Patient"}])
    assert refused.code == 2
    assert "a Patient has no id, so that it has no key" in refused.err


def test_a_line_that_is_not_of_its_type(flattened):
    refused = flattened(of("id", "name.first().family"), [*PATIENTS, {"resourceType": "Patient", "name": "Three"}])
    assert refused.code == 2
    assert "name does not have the shape that FHIR gives it (Patient.ndjson line 3)" in refused.err


def test_a_decimal_that_is_none(flattened):
    odd = {"resourceType": "Observation", "id": "1", "valueQuantity": {"value": "about 3"}}
    refused = flattened(of("value.ofType(Quantity).value", resource="Observation"), [odd])
    assert refused.code == 2
    assert "a number of some Observation cannot be read as one" in refused.err
    assert "about 3" not in refused.err


def test_a_line_that_is_no_json(flattened, tmp_path):
    refused = flattened(of("id"), PATIENTS, more="{\n")
    assert refused.code == 2
    assert "the line is no JSON (Patient.ndjson line 3)" in refused.err


@pytest.fixture
def flattened(personalize, tmp_path):
    def run(view, resources, more=""):
        (tmp_path / "view.json").write_text(json.dumps(view))
        (tmp_path / f"{resources[0]['resourceType']}.ndjson").write_text(
            "".join(json.dumps(each) + "\n" for each in resources) + more
        )
        return personalize("flatten", "--view", "view.json")

    return run
