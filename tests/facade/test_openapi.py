"""The whole API as OpenAPI tells it: examples that are true, and no server error whatever schemathesis sends."""

import json
import subprocess
import sys
from urllib.parse import urlencode

import httpx
import pytest
from facade_lake import BUSY, bearer, opened

from service.facade.openapi import PATIENT

EXAMPLES = 15  # for each operation, of requests that fit and of requests that do not
SETTINGS = 'auth = "off"\nrequests_per_minute = 10000000\nreports = ["visits"]\napp_client_id = "page"'


@pytest.fixture(scope="module")
def http(hospital, tmp_path_factory):
    """Tokens are switched off, so that what is sent gets as far as it can; jobs end at once."""
    with opened(hospital, tmp_path_factory.mktemp("openapi"), SETTINGS) as http:
        http.served.jobs._work = lambda _: 0
        yield http


@pytest.fixture(scope="module")
def told(http):
    return httpx.get(f"{http.root}/openapi.json").json()


def schemathesis(http, folder):
    """What a run of it over the whole API came to, with the id of somebody who is here: exit code, and what it said."""
    described = httpx.get(f"{http.root}/openapi.json").text.replace(PATIENT, BUSY)
    (folder / "openapi.json").write_text(described)
    words = ["run", "openapi.json", "--url", http.root, "--checks", "not_a_server_error", "--no-shrink", "--no-color"]
    words += ["--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--generation-deterministic"]
    command = [sys.executable, "-m", "schemathesis.cli", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_nothing_that_is_sent_makes_the_server_fail(http, told, tmp_path):
    code, said = schemathesis(http, tmp_path)
    assert code == 0, said
    count = len(operations(told))
    assert f"Selected: {count}/{count}\n" in said and f"Tested: {count}\n" in said, said


def test_a_server_that_fails_is_found_out(http, tmp_path, monkeypatch):
    """Planted: a search that the store does not survive."""
    monkeypatch.setattr(http.served.shelf, "page", lambda *_: 1 / 0)
    code, said = schemathesis(http, tmp_path)
    assert code == 1 and "Server error" in said, said


def operations(told):
    return [(path, method, each) for path, methods in told["paths"].items() for method, each in methods.items()]


def test_every_operation_has_an_example_of_what_it_is_asked_and_answers(told):
    assert len(operations(told)) > 15
    for path, method, each in operations(told):
        answered = next(answer for status, answer in each["responses"].items() if status != "default")
        examples = [content["example"] for content in answered.get("content", {}).values()]
        silent = {("/fhir/$personalize", "post"), ("/fhir/_personalize/{job}", "delete")}
        assert examples or (path, method) in silent or path.startswith("/notify/")
        for parameter in each["parameters"]:
            assert parameter["example"], (path, parameter["name"])
        if method == "post" and not path.endswith("profile"):
            (content,) = each["requestBody"]["content"].values()
            assert content["example"]


def test_every_example_of_a_question_is_answered(http, told):
    """With the id of somebody who is here."""
    for path, method, each in operations(told):
        place = (
            path.replace("{type}/_search", "Observation/_search")
            .replace("{type}", "Patient")
            .replace("{id}", BUSY)
            .replace("{name}", "launch")
        )
        place = place.replace("{service}", "personalization-patient-view")
        answer = http.request(method, http.root + place, **sent(each))
        nobody = 401 if path.startswith("/notify/") else 404  # there is no such Subscription, and no such job
        lacking = nobody == 401 or "{job}" in path or "smart-configuration" in path
        expected = nobody if lacking else int(next(iter(each["responses"])))
        assert answer.status_code == expected, (method, path, answer.text)
        if answer.content and expected < 300:
            assert answer.headers["content-type"].split(";")[0] in media(each)


def sent(operation):
    """Headers and body of the example, as httpx takes them."""
    headers = {one["name"]: one["example"] for one in operation["parameters"] if one["in"] == "header"}
    for kind, each in operation.get("requestBody", {}).get("content", {}).items():
        body = json.dumps(each["example"]) if kind.endswith("json") else urlencode(each["example"])
        return {"content": body, "headers": {**headers, "Content-Type": kind}}
    return {"headers": headers}


def media(operation):
    return [kind for each in operation["responses"].values() for kind in each.get("content", {})]


def test_who_may_ask_without_a_token_is_told(served, authority):
    http = served("", tables=authority.settings())
    told = httpx.get(f"{http.root}/openapi.json").json()
    for path, method, each in operations(told):
        place = http.root + path.replace("{type}", "Patient")
        refused = httpx.request(method, place, headers=bearer("wrong")).status_code in (401, 429)
        assert refused == bool(each.get("security")), (method, path)
