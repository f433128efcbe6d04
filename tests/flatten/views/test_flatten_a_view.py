"""`personalize flatten --view`: any NDJSON to a table of one's own, as Parquet or CSV."""

import csv
import gzip
import json
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

NAMES = {
    "resource": "Patient",
    "name": "names",
    "select": [
        {"column": [{"name": "patient", "path": "getResourceKey()"}]},
        {
            "forEachOrNull": "name",
            "column": [
                {"name": "family", "path": "family"},
                {"name": "given", "path": "given", "collection": True},
            ],
        },
    ],
}
PATIENTS = [
    {"resourceType": "Patient", "id": "1", "name": [{"family": "One", "given": ["A", "B"]}, {"family": "Uno"}]},
    {"resourceType": "Patient", "id": "2"},
]
ROWS = [
    {"patient": "Patient/1", "family": "One", "given": ["A", "B"]},
    {"patient": "Patient/1", "family": "Uno", "given": []},
    {"patient": "Patient/2", "family": None, "given": None},
]


def test_a_folder_to_parquet_named_after_the_view(personalize, tmp_path, view):
    lines(tmp_path / "export" / "Patient.ndjson", PATIENTS)
    said = personalize("flatten", "--view", view(NAMES), "--from", "export")
    assert said.code == 0, said.err
    assert said.out == "names.parquet: 3 rows of patient, family, given\n"
    assert pq.read_table("names.parquet").to_pylist() == ROWS
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export", "names.parquet", "view.json"]


def test_a_file_to_csv_elsewhere(personalize, tmp_path, view):
    lines(tmp_path / "some.ndjson", PATIENTS)
    said = personalize(
        "flatten", "--view", view(NAMES), "--from", "some.ndjson", "--to", "csv", "--out", "out/n.csv", "--json"
    )
    assert said.json == {"file": "out/n.csv", "rows": 3, "columns": ["patient", "family", "given"]}
    rows = list(csv.reader((tmp_path / "out" / "n.csv").read_text().splitlines()))
    assert rows == [
        ["patient", "family", "given"],
        ["Patient/1", "One", '["A","B"]'],
        ["Patient/1", "Uno", "[]"],
        ["Patient/2", "", ""],
    ]


def test_all_files_of_the_type_packed_or_not_and_no_others(personalize, tmp_path, view):
    lines(tmp_path / "Patient.000.ndjson", PATIENTS[:1])
    (tmp_path / "Patient.001.ndjson.gz").write_bytes(gzip.compress(json.dumps(PATIENTS[1]).encode() + b"\n"))
    (tmp_path / "PatientContact.ndjson").write_text("nothing of ours\n")
    assert personalize("flatten", "--view", view(NAMES)).code == 0
    assert sorted(pq.read_table("names.parquet").to_pylist(), key=str) == sorted(ROWS, key=str)


def test_a_file_of_many_types_gives_those_of_the_view(personalize, tmp_path, view):
    others = [{"resourceType": "Organization", "id": "1", "name": "a text, where a Patient has a list"}]
    lines(tmp_path / "all.ndjson", [*others, *PATIENTS])
    assert personalize("flatten", "--view", view(NAMES), "--from", "all.ndjson").code == 0
    assert pq.read_table("names.parquet").to_pylist() == ROWS


def test_decimals_keep_what_was_written(personalize, tmp_path, view):
    """A double has fifteen digits; what has more is read another way, and tells no less of itself."""
    written = ["1.10", "33404.2", "123456789012345678.123456", "0.1", "-5e-3"]
    observation = '{{"resourceType":"Observation","id":"{}","valueQuantity":{{"value":{}}}}}\n'
    (tmp_path / "Observation.ndjson").write_text("".join(observation.format(n, v) for n, v in enumerate(written)))
    column = {"name": "value", "path": "value.ofType(Quantity).value"}
    asked = {"resource": "Observation", "name": "values", "select": [{"column": [column]}]}
    assert personalize("flatten", "--view", view(asked)).code == 0
    assert pq.read_table("values.parquet")["value"].to_pylist() == [Decimal(text) for text in written]
    assert personalize("flatten", "--view", "view.json", "--to", "csv").code == 0
    assert (tmp_path / "values.csv").read_text().split()[1:] == [
        "1.1", "33404.2", "123456789012345678.123456", "0.1", "-0.005",
    ]  # fmt: skip


def test_trailing_zeros_count_for_a_boundary(personalize, tmp_path, view):
    (tmp_path / "Observation.ndjson").write_text(
        '{"resourceType":"Observation","id":"1","valueQuantity":{"value":1.00}}\n'
        '{"resourceType":"Observation","id":"2","valueQuantity":{"value":1}}\n'
    )
    column = {"name": "low", "path": "value.ofType(Quantity).value.lowBoundary()"}
    asked = {"resource": "Observation", "name": "values", "select": [{"column": [column]}]}
    assert personalize("flatten", "--view", view(asked)).code == 0
    assert pq.read_table("values.parquet")["low"].to_pylist() == [Decimal("0.995"), Decimal("0.5")]


def test_the_version_that_is_named_decides(personalize, tmp_path, view):
    lines(tmp_path / "Patient.ndjson", PATIENTS)
    animals = {
        "resource": "Patient",
        "name": "animals",
        "select": [{"column": [{"name": "a", "path": "animal.exists()"}]}],
    }
    assert personalize("flatten", "--view", view(animals)).code == 2
    assert personalize("flatten", "--view", "view.json", "--fhir", "STU3").code == 0
    assert personalize("flatten", "--view", view({**animals, "fhirVersion": ["3.0.2"]})).code == 0
    refused = personalize("flatten", "--view", "view.json", "--fhir", "R9")
    assert (refused.code, "Name one of R4, STU3, R5" in refused.err) == (2, True)


def test_what_was_pulled_from_a_server(personalize, planted_sandbox, view):
    assert personalize("pull", planted_sandbox.url).code == 0
    said = personalize("flatten", planted_sandbox.url, "--view", view(NAMES))
    assert said.code == 0, said.err
    assert pq.read_table("names.parquet").num_rows >= 17
    refused = personalize("flatten", planted_sandbox.url, "--view", "view.json", "--from", ".")
    assert (refused.code, "Leave one out" in refused.err) == (2, True)


def test_facts_take_none_of_a_views_options(personalize):
    refused = personalize("flatten", "http://127.0.0.1:1/fhir", "--to", "csv")
    assert (refused.code, "Give --view FILE with it" in refused.err) == (2, True)
    nothing = personalize("flatten")
    assert (nothing.code, "no server is named" in nothing.err) == (2, True)


def lines(path, resources):
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in resources))


@pytest.fixture
def view(tmp_path):
    def written(asked):
        (tmp_path / "view.json").write_text(json.dumps(asked))
        return "view.json"

    return written
