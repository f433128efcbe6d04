"""FHIR create, update and delete, and the conditions under which they are done. https://hl7.org/fhir/R4/http.html"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

JSON = {"Content-Type": "application/fhir+json"}


def test_create_gives_an_id_and_says_where(client, patient):
    answer = client("POST", "/Patient", json=patient)
    assert answer.status_code == 201
    id = answer.json()["id"]
    assert id != "p1"
    assert answer.headers["location"] == f"{client.url}/Patient/{id}/_history/1"
    assert client.get(f"/Patient/{id}").json() == answer.json()


def test_a_conditional_create_makes_one_and_finds_it_again(client, patient):
    named = patient | {"identifier": [{"system": "urn:x", "value": "a"}]}
    first = client("POST", "/Patient", json=named, headers={"If-None-Exist": "identifier=urn:x|a"})
    again = client("POST", "/Patient", json=named, headers={"If-None-Exist": "identifier=urn:x|a"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    client.put(named)
    assert client("POST", "/Patient", json=named, headers={"If-None-Exist": "identifier=urn:x|a"}).status_code == 412


def test_put_creates_under_the_clients_id_then_updates(client, patient):
    created, updated = client.put(patient), client.put(patient | {"active": False})
    assert (created.status_code, updated.status_code) == (201, 200)
    assert created.headers["location"] == created.headers["content-location"] == f"{client.url}/Patient/p1/_history/1"
    assert updated.headers["content-location"] == f"{client.url}/Patient/p1/_history/2"
    assert (created.headers["etag"], updated.headers["etag"]) == ('W/"1"', 'W/"2"')
    assert updated.json()["meta"]["lastUpdated"] >= created.json()["meta"]["lastUpdated"]


def test_the_same_content_makes_no_new_version(client, patient):
    client.put(patient)
    read_back = client.get("/Patient/p1").json()
    reordered = dict(reversed(patient.items()))
    for same in (patient, read_back, reordered):
        answer = client.put(same)
        assert (answer.status_code, answer.headers["etag"]) == (200, 'W/"1"')
    assert client.get("/Patient/p1/_history").json()["total"] == 1


def test_numbers_and_unknown_content_are_kept_as_they_were_sent(client):
    sent = b'"unheard":{"of": 100.00, "so":[1e2,0.10]},"_x":null,"big":12345678901234567890'
    client("PUT", "/Basic/b", content=b'{"resourceType":"Basic","id":"b",%b}' % sent, headers=JSON)
    assert sent in client.get("/Basic/b").content


def test_a_different_precision_is_a_different_content(client):
    for text in (b"100.0", b"100.00", b"100.00"):
        client("PUT", "/Basic/b", content=b'{"resourceType":"Basic","id":"b","v":%b}' % text, headers=JSON)
    assert client.sandbox.versions() == {"Basic/b": 2}


def test_a_put_cannot_take_a_tag_or_a_label_away(client, patient):
    tag, other = {"system": "s", "code": "a"}, {"system": "s", "code": "b"}
    client.put(patient | {"meta": {"tag": [tag], "security": [other], "source": "here"}})
    merged = client.put(patient | {"meta": {"tag": [other]}}).json()["meta"]
    assert (merged["tag"], merged["security"]) == ([tag, other], [other])
    assert "source" not in merged
    assert client.put(patient | {"meta": {"tag": [other, tag]}}).headers["etag"] == 'W/"2"'


def test_the_servers_meta_is_not_the_clients_to_set(client, patient):
    answer = client.put(
        patient | {"meta": {"versionId": "77", "lastUpdated": "1999-01-01T00:00:00Z", "profile": ["p"]}}
    )
    meta = answer.json()["meta"]
    assert (meta["versionId"], meta["profile"]) == ("1", ["p"])
    assert not meta["lastUpdated"].startswith("1999")


def test_if_match_lets_only_the_current_version_be_replaced(client, patient):
    client.put(patient)
    client.put(patient | {"gender": "male"}, If_Match='W/"1"')
    stale = client.put(patient | {"gender": "other"}, If_Match='W/"1"')
    assert stale.status_code == 412
    assert stale.json()["resourceType"] == "OperationOutcome"
    assert client.get("/Patient/p1").json()["gender"] == "male"
    assert client("DELETE", "/Patient/p1", headers={"If-Match": 'W/"1"'}).status_code == 412
    assert client.put(patient, If_Match="2").status_code == 400


def test_if_match_never_creates(client, patient):
    assert client.put(patient, If_Match='W/"1"').status_code == 412
    assert client.sandbox.versions() == {}


def test_if_none_match_creates_only_what_is_absent(client, patient):
    assert client.put(patient, If_None_Match="*").status_code == 201
    assert client.put(patient, If_None_Match="*").status_code == 412
    client("DELETE", "/Patient/p1")
    assert client.put(patient, If_None_Match="*").status_code == 201


def test_a_hundred_first_creates_at_once_leave_one_version(client, patient):
    def create(n: int) -> int:
        return client.put(patient | {"birthDate": str(1900 + n)}, If_None_Match="*").status_code

    with ThreadPoolExecutor(16) as pool:
        answers = Counter(pool.map(create, range(100)))
    assert answers == {201: 1, 412: 99}
    assert client.get("/Patient/p1/_history").json()["total"] == 1


def test_a_deleted_resource_comes_back_as_its_next_version(client, patient):
    client.put(patient | {"meta": {"tag": [{"code": "old"}]}})
    assert client("DELETE", "/Patient/p1").status_code == 204
    again = client.put(patient)
    assert (again.status_code, again.headers["etag"]) == (201, 'W/"3"')
    assert "tag" not in again.json()["meta"]


def test_deleting_what_is_not_there_is_no_error_and_no_version(client, patient):
    assert client("DELETE", "/Patient/p1").status_code == 204
    client.put(patient)
    assert [client("DELETE", "/Patient/p1").status_code for _ in range(2)] == [204, 204]
    assert client.get("/Patient/p1/_history").json()["total"] == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/Patient/p1", b'{"resourceType":"Patient","id":"p1"'),
        ("/Patient/p1", b""),
        ("/Patient/p1", b"[]"),
        ("/Patient/p1", b'{"resourceType":"Patient","id":"p1","name":"\xff"}'),
        ("/Patient/p1", b'{"resourceType":"Patient","id":"p1","a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        ("/Patient/p1", b'{"resourceType":"Observation","id":"p1"}'),
        ("/Patient/p1", b'{"resourceType":7,"id":"p1"}'),
        ("/Patient/p1", b'{"id":"p1"}'),
        ("/Patient/p1", b'{"resourceType":"Patient","id":"p2"}'),
        ("/Patient/p1", b'{"resourceType":"Patient"}'),
        ("/Patient/p1", b'{"resourceType":"Patient","id":"p1","meta":[]}'),
        ("/Patient/p1", b'{"resourceType":"Patient","id":"p1","meta":{"tag":{}}}'),
        ("/Patient/p_1", b'{"resourceType":"Patient","id":"p_1"}'),
        ("/Patient/" + "x" * 65, b'{"resourceType":"Patient","id":"' + b"x" * 65 + b'"}'),
    ],
)
def test_what_cannot_be_stored_is_refused_with_an_outcome(reader, path, body):
    before = reader.sandbox.versions()
    answer = reader("PUT", path, content=body, headers=JSON)
    assert answer.status_code == 400, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert answer.json()["issue"][0]["diagnostics"]
    assert reader.sandbox.versions() == before
