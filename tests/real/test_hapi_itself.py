"""In: a real HAPI FHIR server (R4). Out: its habits that the service relies on, so that an upgrade shows a change."""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from .hapi.server import Hapi

TAG_SYSTEM = "https://w3id.org/fhir-personalization/installation"
DEVAST = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "DEVAST"}


@pytest.fixture
def server(hapi: Hapi) -> Iterator[httpx.Client]:
    with hapi.client() as client:
        yield client


@pytest.fixture
def own() -> str:
    """An id that no other test uses; never all digits, which HAPI refuses for a client's own id."""
    return f"t-{uuid4().hex}"


def patient(own: str, **more: object) -> dict[str, object]:
    return {"resourceType": "Patient", "id": own, **more}


def observation(own: str, subject: str, **more: object) -> dict[str, object]:
    content = {"status": "final", "code": {"text": "anything"}, "subject": {"reference": subject}}
    return {"resourceType": "Observation", "id": own, **content, **more}


def put(server: httpx.Client, resource: dict[str, object], if_match: str | None = None) -> httpx.Response:
    headers = {"If-Match": if_match} if if_match else {}
    return server.put(f"/{resource['resourceType']}/{resource['id']}", json=resource, headers=headers)


def put_in_transaction(server: httpx.Client, resource: dict[str, object], if_match: str) -> httpx.Response:
    request = {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}", "ifMatch": if_match}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": resource, "request": request}]}
    return server.post("", json=bundle)


def test_it_says_that_it_is_hapi_r4(server: httpx.Client) -> None:
    statement = server.get("/metadata").json()
    assert (statement["software"]["name"], statement["fhirVersion"]) == ("HAPI FHIR Server", "4.0.1")


def test_if_match_0_creates_what_is_absent(server: httpx.Client, own: str) -> None:
    assert put(server, patient(own), 'W/"0"').status_code == 201


def test_if_match_0_refuses_what_is_there(server: httpx.Client, own: str) -> None:
    put(server, patient(own))
    assert put(server, patient(own, gender="male"), 'W/"0"').status_code == 409


def test_if_match_0_does_the_same_in_a_transaction(server: httpx.Client, own: str) -> None:
    created = put_in_transaction(server, patient(own), 'W/"0"')
    assert created.json()["entry"][0]["response"]["status"].startswith("201")
    assert put_in_transaction(server, patient(own, gender="male"), 'W/"0"').status_code == 409


def test_a_stale_if_match_in_a_transaction_is_409_and_writes_nothing(server: httpx.Client, own: str) -> None:
    put(server, patient(own))
    put(server, patient(own, gender="male"))
    assert put_in_transaction(server, patient(own, gender="female"), 'W/"1"').status_code == 409
    assert server.get(f"/Patient/{own}").json()["gender"] == "male"


def test_an_unchanged_put_makes_no_new_version(server: httpx.Client, own: str) -> None:
    first, second = put(server, patient(own, active=True)), put(server, patient(own, active=True))
    assert (first.headers["ETag"], second.headers["ETag"]) == ('W/"1"', 'W/"1"')


def test_an_all_digit_id_is_refused(server: httpx.Client) -> None:
    assert put(server, patient("4711")).status_code == 400


def test_next_links_sit_at_the_base(server: httpx.Client, hapi: Hapi, own: str) -> None:
    tag = {"system": TAG_SYSTEM, "code": own}
    for number in range(3):
        put(server, patient(f"{own}-{number}", meta={"tag": [tag]}))
    page = server.get("/Patient", params={"_tag": f"{TAG_SYSTEM}|{own}", "_count": 2}).json()
    link = next(link["url"] for link in page["link"] if link["relation"] == "next")
    assert urlsplit(link).path == urlsplit(hapi.base).path
    assert [len(page["entry"]), len(server.get(link).json()["entry"])] == [2, 1]


def test_what_is_referred_to_cannot_be_deleted(server: httpx.Client, own: str) -> None:
    put(server, patient(own))
    put(server, observation(own, f"Patient/{own}"))
    assert server.delete(f"/Patient/{own}").status_code == 409
    assert server.delete(f"/Observation/{own}").status_code == 200
    assert server.delete(f"/Patient/{own}").status_code == 200
    assert server.get(f"/Patient/{own}").status_code == 410


def test_a_dangling_reference_can_be_written(server: httpx.Client, own: str) -> None:
    assert put(server, observation(own, f"Patient/absent-{own}")).status_code == 201


@pytest.mark.parametrize("kept", ["tag", "security"])
def test_a_put_adds_tags_and_labels_but_takes_none_away(server: httpx.Client, own: str, kept: str) -> None:
    put(server, patient(own, meta={kept: [DEVAST]}))
    put(server, patient(own, gender="male", meta={kept: [{"system": TAG_SYSTEM, "code": own}]}))
    assert {coding["code"] for coding in server.get(f"/Patient/{own}").json()["meta"][kept]} == {"DEVAST", own}


def test_meta_source_comes_back_with_the_request_id(server: httpx.Client, own: str) -> None:
    source = f"{TAG_SYSTEM}/{own}"
    put(server, patient(own, meta={"source": source}))
    before, mark, request_id = server.get(f"/Patient/{own}").json()["meta"]["source"].partition("#")
    assert (before, mark) == (source, "#") and request_id


def test_decimals_come_back_as_they_went(server: httpx.Client, own: str) -> None:
    extension = '{"url":"http://example.org/amount","valueDecimal":100.00}'
    server.put(f"/Patient/{own}", content=f'{{"resourceType":"Patient","id":"{own}","extension":[{extension}]}}')
    stored = json.loads(server.get(f"/Patient/{own}").text, parse_float=str)
    assert stored["extension"][0]["valueDecimal"] == "100.00"
