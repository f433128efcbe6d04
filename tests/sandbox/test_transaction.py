"""FHIR transaction and batch. https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

import pytest


def _put(id, type="Patient", **request):
    resource = {"resourceType": type, "id": id, "active": True}
    return {"resource": resource, "request": {"method": "PUT", "url": f"{type}/{id}"} | request}


def _request(method, url, **more):
    return {"request": {"method": method, "url": url} | more}


def test_each_entry_is_answered_in_its_place(client, patient):
    client.put(patient)
    client.put(patient | {"id": "p2"})
    answer = client.bundle(
        "transaction",
        _request("GET", "Patient/new"),
        _put("new"),
        {"resource": {"resourceType": "Observation"}, "request": {"method": "POST", "url": "Observation"}},
        _put("p1", ifMatch='W/"1"'),
        _request("DELETE", "Patient/p2"),
        _request("GET", "Patient?_id=p1"),
    )
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    assert bundle["type"] == "transaction-response"
    entries = bundle["entry"]
    statuses = [entry["response"]["status"].split()[0] for entry in entries]
    assert statuses == ["200", "201", "201", "200", "204", "200"]
    assert entries[0]["resource"]["id"] == "new"
    assert entries[1]["response"]["location"] == "Patient/new/_history/1"
    assert entries[1]["response"]["lastModified"]
    assert entries[3]["response"]["etag"] == 'W/"2"'
    assert entries[5]["resource"]["entry"][0]["resource"]["meta"]["versionId"] == "2"
    created = entries[2]["response"]["location"].removesuffix("/_history/1")
    assert client.sandbox.versions() == {"Patient/p1": 2, "Patient/new": 1, created: 1}


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (_put("p1", ifMatch='W/"7"'), 412),
        (_put("p9", ifMatch='W/"1"'), 412),
        (_put("p1", ifNoneMatch="*"), 412),
        (_put("new"), 400),
        (_put("x", type="Nonsense"), 404),
        (_request("GET", "Patient/nobody"), 404),
        (_request("GET", "Patient?colour=red"), 400),
        (_request("DELETE", "Patient?active=true"), 400),
        (_request("PATCH", "Patient/p1"), 400),
        (_request("PUT", "Patient/p1"), 400),
        ({"resource": {"resourceType": "Patient", "id": "a"}, "request": {"method": "PUT", "url": "Patient/b"}}, 400),
        (
            {
                "resource": {"resourceType": "Patient"},
                "request": {"method": "POST", "url": "Patient", "ifNoneExist": "a=b"},
            },
            400,
        ),
        ({"resource": {"resourceType": "Patient"}}, 400),
    ],
)
def test_a_transaction_does_all_or_nothing(client, patient, bad, status):
    client.put(patient)
    before = client.sandbox.versions()
    answer = client.bundle("transaction", _put("new"), bad)
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert client.sandbox.versions() == before


def test_a_batch_does_what_it_can(client, patient):
    client.put(patient)
    answer = client.bundle("batch", _put("new"), _put("p1", ifNoneMatch="*"), _request("GET", "Patient/nobody"))
    assert answer.status_code == 200
    responses = [entry["response"] for entry in answer.json()["entry"]]
    assert [response["status"].split()[0] for response in responses] == ["201", "412", "404"]
    assert responses[1]["outcome"]["resourceType"] == "OperationOutcome"
    assert client.sandbox.versions() == {"Patient/p1": 1, "Patient/new": 1}


def test_references_to_new_entries_become_their_ids(client):
    place = "urn:uuid:6ad6fdcd-7e0c-4b5f-9e9c-2f2a63ad3c70"
    encounter = {"resourceType": "Encounter", "id": "e", "subject": {"reference": place}}
    answer = client.bundle(
        "transaction",
        {"resource": encounter, "request": {"method": "PUT", "url": "Encounter/e"}},
        {"fullUrl": place, "resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}},
    )
    location = answer.json()["entry"][1]["response"]["location"]
    assert client.get("/Encounter/e").json()["subject"]["reference"] == location.removesuffix("/_history/1")


def test_an_unchanged_entry_makes_no_version(client):
    for _ in range(2):
        answer = client.bundle("transaction", _put("p1"))
    assert answer.json()["entry"][0]["response"]["status"] == "200 OK"
    assert answer.json()["entry"][0]["response"]["etag"] == 'W/"1"'


def test_an_empty_transaction_is_done(client):
    assert client("POST", "", json={"resourceType": "Bundle", "type": "transaction"}).status_code == 200


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"resourceType":"Patient","type":"batch"}', b'{"resourceType":"Bundle","type":"document"}']
)
def test_what_is_no_bundle_of_requests_is_refused(client, body):
    answer = client("POST", "", content=body, headers={"Content-Type": "application/fhir+json"})
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"
