"""What the server says of itself, which formats it speaks, and how it refuses."""

from __future__ import annotations

import socket

import httpx
import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.operationoutcome import OperationOutcome


def test_the_capability_statement_says_what_the_server_does(reader):
    statement = reader.get("/metadata").json()
    CapabilityStatement.model_validate(statement | {"fhirVersion": "4.3.0"})
    assert (statement["software"]["name"], statement["fhirVersion"]) == ("fhir-personalization sandbox", "4.0.1")
    rest = statement["rest"][0]
    assert {each["code"] for each in rest["interaction"]} == {"transaction", "batch"}
    encounter = next(each for each in rest["resource"] if each["type"] == "Encounter")
    assert encounter["versioning"] == "versioned-update"
    assert encounter["updateCreate"] is True
    assert encounter["conditionalRead"] == "not-match"
    assert {"read", "vread", "update", "patch", "create", "delete", "history-instance", "search-type"} == {
        each["code"] for each in encounter["interaction"]
    }


@pytest.mark.parametrize(
    "path",
    ["/Encounter?_count=50&_total=accurate", "/Encounter?_count=0", "/Patient?_id=a", "/Patient/pt-000001/_history"],
)
def test_bundles_are_valid_r4(reader, path):
    Bundle.model_validate_json(reader.get(path).content)


def test_every_search_parameter_that_is_stated_is_answered(reader):
    sample = {"date": "2026", "reference": "Patient/pt-000001", "token": "x"}
    for resource in reader.get("/metadata").json()["rest"][0]["resource"]:
        for parameter in resource["searchParam"]:
            path = f"/{resource['type']}?{parameter['name']}={sample[parameter['type']]}"
            assert reader.get(path).status_code == 200, path


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/Nonsense/1", 404),
        ("GET", "/Nonsense", 404),
        ("GET", "/Patient/a/b/c", 404),
        ("GET", "", 400),
        ("GET", "?_getpages=nobody-gave-this", 410),
        ("PATCH", "/Patient/pt-000001", 415),
        ("PUT", "/Patient?identifier=a", 405),
        ("GET", "/Patient?favourite-colour=red", 400),
        ("GET", "/Patient?patient=a", 400),
        ("GET", "/Patient?_count=many", 400),
        ("GET", "/Patient?_count=-1", 400),
        ("GET", "/Patient?_sort=name", 400),
        ("GET", "/Patient?_sort=date", 400),
        ("GET", "/Patient?_summary=text", 400),
        ("GET", "/Patient?_revinclude=*", 400),
        ("GET", "/Patient?_lastUpdated=yesterday", 400),
        ("GET", "/Patient?_lastUpdated=ap2026", 400),
        ("GET", "/Patient?_lastUpdated=2026-13", 400),
        ("GET", "/Patient?_id=", 400),
    ],
)
def test_every_refusal_is_an_operation_outcome(reader, method, path, status):
    answer = reader(method, path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/fhir+json"
    outcome = answer.json()
    OperationOutcome.model_validate(outcome)
    assert outcome["issue"][0]["severity"] == "error"
    assert outcome["issue"][0]["diagnostics"]


def test_an_unknown_parameter_is_named_with_the_known_ones(reader):
    said = reader.get("/Patient?favourite-colour=red").json()["issue"][0]["diagnostics"]
    assert "favourite-colour" in said
    assert "_lastUpdated" in said


@pytest.mark.parametrize(
    "accept", ["application/fhir+json", "application/json;q=0.9", "*/*", "text/html, application/json"]
)
def test_json_is_spoken_under_its_names(reader, accept):
    assert reader.get("/Patient/pt-000001", headers={"Accept": accept}).status_code == 200


def test_nothing_but_json_is_spoken(reader):
    assert reader.get("/Patient", headers={"Accept": "application/fhir+xml"}).status_code == 406
    assert reader.get("/Patient?_format=xml").status_code == 406
    assert reader.get("/Patient?_format=json", headers={"Accept": "application/fhir+xml"}).status_code == 200


def test_nothing_but_json_is_understood(client):
    xml = client("PUT", "/Patient/p1", content=b"<Patient/>", headers={"Content-Type": "application/fhir+xml"})
    assert xml.status_code == 415
    assert client("POST", "/Patient/_search", json={"_id": "a"}).status_code == 415


def test_who_goes_away_in_the_middle_of_a_request_leaves_no_defect_behind(reader, caplog):
    where = httpx.URL(reader.url)
    with socket.create_connection((where.host, where.port)) as client:
        head = f"PUT {where.path}/Patient/1 HTTP/1.1\r\nHost: {where.host}\r\nContent-Type: application/fhir+json\r\n"
        client.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
    assert reader.get("/metadata").status_code == 200
    assert [each.getMessage() for each in caplog.records if each.levelname == "ERROR"] == []
