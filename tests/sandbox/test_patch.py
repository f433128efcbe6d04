"""JSON Patch, alone and inside a transaction. https://hl7.org/fhir/R4/http.html#patch"""

from __future__ import annotations

import base64
import json

import pytest

PATCH = {"Content-Type": "application/json-patch+json"}
RAW = b'{"resourceType":"Patient","id":"p1","x-amount":100.00,"extension":[{"url":"u:1"},{"url":"u:2"}]}'


def patched(client, *operations, **headers):
    sent = {name.replace("_", "-"): text for name, text in headers.items()}
    return client("PATCH", "/Patient/p1", content=json.dumps(operations), headers=PATCH | sent)


@pytest.fixture
def standing(client):
    client.sandbox.store.put(RAW)
    return client


def test_only_what_is_named_changes_and_numbers_stay_as_they_were_written(standing):
    answer = patched(
        standing,
        {"op": "test", "path": "/extension/1/url", "value": "u:2"},
        {"op": "replace", "path": "/extension/1", "value": {"url": "u:3", "valueDecimal": 1}},
        {"op": "add", "path": "/extension/-", "value": {"url": "u:4"}},
        {"op": "remove", "path": "/extension/0"},
        If_Match='W/"1"',
    )
    assert (answer.status_code, answer.headers["ETag"]) == (200, 'W/"2"')
    assert b'"x-amount":100.00' in answer.content
    assert answer.json()["extension"] == [{"url": "u:3", "valueDecimal": 1}, {"url": "u:4"}]


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ({"op": "test", "path": "/extension/0/url", "value": "other"}, 422),
        ({"op": "replace", "path": "/extension/7", "value": {}}, 422),
        ({"op": "remove", "path": "/nothing"}, 422),
        ({"op": "add", "path": "/extension/9", "value": {}}, 422),
        ({"op": "replace", "path": "/id", "value": "other"}, 400),
        ({"op": "dance", "path": "/extension"}, 400),
        ({"path": "/extension"}, 400),
    ],
)
def test_what_does_not_fit_changes_nothing(standing, operation, status):
    first = {"op": "add", "path": "/active", "value": True}
    assert patched(standing, first, operation).status_code == status
    assert standing.sandbox.versions() == {"Patient/p1": 1}


def test_a_version_that_is_no_longer_current_is_refused(standing):
    assert patched(standing, {"op": "remove", "path": "/extension"}, If_Match='W/"7"').status_code == 412


def test_inside_a_transaction_it_comes_as_a_binary(standing):
    operations = json.dumps([{"op": "remove", "path": "/extension/0"}]).encode()
    binary = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": base64.b64encode(operations).decode(),
    }
    request = {"method": "PATCH", "url": "Patient/p1", "ifMatch": 'W/"1"'}
    other = {"resource": {"resourceType": "Patient", "id": "n"}, "request": {"method": "PUT", "url": "Patient/n"}}
    answer = standing.bundle("transaction", {"resource": binary, "request": request}, other)
    assert [each["response"]["status"][:3] for each in answer.json()["entry"]] == ["200", "201"]
    assert standing.get("/Patient/p1").json()["extension"] == [{"url": "u:2"}]
    assert standing.bundle("transaction", {"resource": binary, "request": request}).status_code == 412
