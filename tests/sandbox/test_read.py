"""FHIR read, vread and history. https://hl7.org/fhir/R4/http.html"""

from __future__ import annotations

from email.utils import parsedate_to_datetime


def test_a_resource_is_read_with_the_headers_that_name_its_version(client, patient):
    client.put(patient)
    answer = client.get("/Patient/p1")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/fhir+json"
    assert answer.headers["etag"] == 'W/"1"'
    assert parsedate_to_datetime(answer.headers["last-modified"])
    assert parsedate_to_datetime(answer.headers["date"])
    assert answer.json()["meta"]["versionId"] == "1"
    assert answer.json() == patient | {"meta": answer.json()["meta"]}


def test_an_unchanged_resource_is_not_sent_again(client, patient):
    client.put(patient)
    answer = client.get("/Patient/p1", headers={"If-None-Match": 'W/"1"'})
    assert (answer.status_code, answer.content) == (304, b"")
    assert client.get("/Patient/p1", headers={"If-None-Match": 'W/"2"'}).status_code == 200


def test_what_never_was_is_404_and_what_was_deleted_is_410(client, patient):
    assert client.get("/Patient/p1").status_code == 404
    client.put(patient)
    assert client("DELETE", "/Patient/p1").status_code == 204
    assert client.get("/Patient/p1").status_code == 410


def test_every_version_can_be_read(client, patient):
    client.put(patient)
    client.put(patient | {"gender": "male"})
    assert client.get("/Patient/p1/_history/1").json()["gender"] == "female"
    assert client.get("/Patient/p1/_history/2").json()["gender"] == "male"
    assert client.get("/Patient/p1/_history/3").status_code == 404
    assert client.get("/Patient/p1/_history/x").status_code == 404


def test_history_is_newest_first_and_shows_the_deletion(client, patient):
    client.put(patient)
    client.put(patient | {"gender": "male"})
    client("DELETE", "/Patient/p1")
    client.put(patient)
    history = client.get("/Patient/p1/_history").json()
    assert (history["type"], history["total"]) == ("history", 4)
    assert [entry["response"]["etag"] for entry in history["entry"]] == ['W/"4"', 'W/"3"', 'W/"2"', 'W/"1"']
    assert [entry["request"]["method"] for entry in history["entry"]] == ["PUT", "DELETE", "PUT", "PUT"]
    assert "resource" not in history["entry"][1]
    assert client.get("/Patient/p1/_history/3").status_code == 410
    assert client.get("/Patient/p2/_history").status_code == 404
