"""What a server sends is read up to a size, a depth and a number; and nobody but that server is ever spoken to."""

import gzip
import json

import httpx
import pytest
import respx
from fastapi import Response

from service.errors import PagingBroken
from service.sandbox.http import FHIR_JSON
from service.server.egress import within


@pytest.fixture
def server(sandbox, personalize, tmp_path):
    (tmp_path / "personalize.toml").write_text(f'[sources.s]\nurl = "{sandbox.url}"\npull = "search"\n')
    sandbox.store.load([b'{"resourceType":"Patient","id":"a"}'])
    return sandbox


def answers(server, body, headers=None, on="/Encounter?"):
    server.before = lambda _m, path, _b: (
        Response(body, headers=headers, media_type=FHIR_JSON) if on in path and "_summary" not in path else None
    )


def bundle(*resources):
    return json.dumps({"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]})


def refused(personalize, server, words):
    said = personalize("pull", server.url, "--json")
    assert (said.code, said.out) == (1, "")
    assert words in said.err


def test_a_body_beyond_the_cap_is_not_read_on(personalize, server, monkeypatch):
    monkeypatch.setattr("service.server.caps.CAPS.body", 50_000)
    answers(server, bundle({"resourceType": "Encounter", "id": "x", "text": "y" * 100_000}))
    refused(personalize, server, "an answer of more than")


def test_a_body_that_grows_a_thousandfold_as_it_is_unpacked_is_not_read_on(personalize, server, monkeypatch):
    monkeypatch.setattr("service.server.caps.CAPS.unsuspicious", 100_000)
    packed = gzip.compress(bundle({"resourceType": "Encounter", "id": "x", "text": "y" * 5_000_000}).encode())
    assert len(packed) < 10_000
    answers(server, packed, {"Content-Encoding": "gzip"})
    refused(personalize, server, "an answer of more than")


def test_a_body_that_is_packed_as_usual_is_read(personalize, server):
    visits = [{"resourceType": "Encounter", "id": f"x{n}", "status": "finished"} for n in range(300)]
    answers(server, gzip.compress(bundle(*visits).encode()), {"Content-Encoding": "gzip"})
    assert personalize("pull", server.url, "--json").json["pulled"]["Encounter"] == 300


def test_a_page_nested_deeper_than_any_resource_is_refused(personalize, server):
    deep = '{"a":' * 5_000 + "1" + "}" * 5_000
    answers(server, bundle("deep").replace('"deep"', deep))
    refused(personalize, server, "nested deeper")


def test_a_page_of_more_entries_than_the_cap_is_refused(personalize, server, monkeypatch):
    monkeypatch.setattr("service.server.caps.CAPS.entries", 10)
    answers(server, bundle(*({"resourceType": "Encounter", "id": f"x{n}"} for n in range(11))))
    refused(personalize, server, "11 entries on one page")


def test_a_line_beyond_the_cap_is_set_aside_and_the_rest_stays(personalize, server, monkeypatch):
    monkeypatch.setattr("service.pull.heads.LONGEST_LINE", 1_000)
    long = {"resourceType": "Encounter", "id": "long", "text": "y" * 2_000}
    answers(server, bundle(long, {"resourceType": "Encounter", "id": "short"}))
    said = personalize("pull", server.url, "--json")
    assert said.json["pulled"]["Encounter"] == 1
    (aside,) = said.json["set_aside"]
    assert aside["where"] == "Encounter/long"
    assert "longer than 1,000" in aside["why"]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e", "'x'", "tru"])
def test_what_is_no_json_is_refused(personalize, server, value):
    answers(server, bundle({"resourceType": "Encounter", "id": "it"}).replace('"it"', value))
    refused(personalize, server, "no Bundle in JSON")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_told_and_not_followed(personalize, server, status):
    answered = []

    def redirects(_method, path, _body):
        answered.append(path)
        if "/Encounter?" in path:
            return Response(status_code=status, headers={"Location": f"{server.url}/elsewhere"})
        return None

    server.before = redirects
    refused(personalize, server, "it redirects")
    assert not any("elsewhere" in path for path in answered)


@respx.mock
def test_a_token_goes_to_no_other_origin_whatever_the_links_say(personalize, tmp_path):
    """Neither to a private address nor to a name; a link of that kind is followed at the server's own address."""
    (tmp_path / "personalize.toml").write_text(
        '[sources.s]\nurl = "https://fhir.example.org/r4"\ntoken = "secret"\npull = "search"\n'
    )
    asked = []
    others = ["http://169.254.169.254/r4?next=1", "http://10.0.0.5:8080/r4?next=2", "https://evil.example/r4?next=3"]
    links = iter(others)

    def answer(request):
        asked.append((request.url.host, request.headers.get("Authorization")))
        if request.url.path.endswith("/metadata"):
            return httpx.Response(200, json={"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"})
        link = next(links, None) if "Patient" in str(request.url) or "next=" in str(request.url) else None
        page = {"resourceType": "Bundle", "total": 0, "link": [{"relation": "next", "url": link}] if link else []}
        return httpx.Response(200, json=page)

    respx.route().mock(side_effect=answer)
    said = personalize("pull", "s", "--json")
    assert said.code == 0, said.err
    assert next(links, None) is None
    assert {host for host, _ in asked} == {"fhir.example.org"}
    assert {token for _, token in asked} == {"Bearer secret"}


AWAY = [
    "https://fhir.example.org/other?page=2",
    "https://fhir.example.org/r4x?page=2",
    "/other/r4?page=2",
    "../admin",
    "https://fhir.example.org/r4/../admin",
    "https://fhir.example.org/r4/%2e%2e/admin",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("link", AWAY)
def test_a_link_out_of_the_base_is_refused(link):
    with pytest.raises(PagingBroken):
        within("https://fhir.example.org/r4", link)
