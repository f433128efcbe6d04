"""`personalize doctor`: what a server says, what it does, and that nothing is written to find out."""

import json
from pathlib import Path

import httpx
import pytest
import respx
from fastapi import Response

FHIR = "application/fhir+json"


def examined(personalize, url, *more):
    return personalize("doctor", url, "--json", *more)


def findings(said):
    return {each["about"]: each for each in said.json["findings"]}


def test_a_good_server_is_found_good_and_nothing_is_written(personalize, planted_sandbox):
    said = examined(personalize, planted_sandbox.url, "--write", "patient")
    assert said.code == 0, said.out
    told = findings(said)
    assert {each["verdict"] for each in told.values()} <= {"good", "note"}
    assert (said.json["release"], said.json["rung"]) == ("R4", "patient")
    assert {request.method for request in planted_sandbox.requests} == {"GET"}
    assert not list(Path().iterdir())


def test_the_counts_are_the_servers(personalize, planted_sandbox, planted):
    resources, _ = planted
    seen = findings(examined(personalize, planted_sandbox.url))["counts"]["seen"]
    for name in ("Patient", "Encounter", "Claim"):
        assert f"{len(resources[name]):,} {name}" in seen.split(", ") or f"{len(resources[name])} {name}" in seen


def test_the_next_link_is_described_and_not_shown(personalize, planted_sandbox):
    finding = findings(examined(personalize, planted_sandbox.url))["paging"]
    assert finding["seen"].startswith("pages of 2 and 2; next link ")
    assert "?" not in finding["seen"]


def behaving(server, told):
    """The sandbox, but for the answers that `told` gives: {part of the path: a JSON body, or a status}."""

    def before(_method, path, _body):
        for part, answer in told.items():
            if part in path:
                if isinstance(answer, int):
                    return Response(status_code=answer)
                return Response(json.dumps(answer), media_type=FHIR)
        return None

    server.before = before


@pytest.mark.parametrize(
    ("part", "answer", "about", "verdict", "says"),
    [
        ("_lastUpdated=", {"resourceType": "Bundle", "total": 17}, "_lastUpdated", "note", "ignored"),
        ("_lastUpdated=", 400, "_lastUpdated", "note", "every run reads all"),
        ("_tag=", {"resourceType": "Bundle", "total": 3}, "_tag", "bad", "ignored"),
        ("_revinclude", 400, "_revinclude", "note", "a request of its own"),
        ("Claim?", 403, "counts", "note", "unknown, which is not zero"),
        ("Patient?_summary", 401, "access", "bad", "401"),
    ],
)
def test_what_a_server_does_not_do_is_found(personalize, planted_sandbox, part, answer, about, verdict, says):
    behaving(planted_sandbox, {part: answer})
    said = examined(personalize, planted_sandbox.url)
    finding = findings(said)[about]
    assert finding["verdict"] == verdict
    assert says in " ".join(str(value) for value in finding.values())
    assert said.code == (1 if verdict == "bad" else 0)


def test_a_statement_without_observation_leaves_fewer_rungs(personalize, planted_sandbox):
    statement = httpx.get(f"{planted_sandbox.url}/metadata").json()
    (rest,) = statement["rest"]
    rest["resource"] = [each for each in rest["resource"] if each["type"] != "Observation"]
    behaving(planted_sandbox, {"/metadata": statement})
    said = examined(personalize, planted_sandbox.url)
    finding = findings(said)["rung"]
    assert said.json["rung"] != "observation" and "Observation" in finding["seen"]


def test_a_server_of_a_version_that_is_not_read_is_told_so(personalize, planted_sandbox):
    statement = httpx.get(f"{planted_sandbox.url}/metadata").json() | {"fhirVersion": "1.0.2"}
    behaving(planted_sandbox, {"/metadata": statement})
    said = examined(personalize, planted_sandbox.url)
    assert said.code == 1
    assert "FHIR 1.0.2 is not supported" in said.err and "STU3, R4, R4B or R5" in said.err


@pytest.mark.parametrize(("version", "release"), [("3.0.2", "STU3"), ("5.0.0", "R5")])
def test_other_versions_are_read_and_written_to_in_theirs(personalize, planted_sandbox, version, release):
    statement = httpx.get(f"{planted_sandbox.url}/metadata").json() | {"fhirVersion": version}
    behaving(planted_sandbox, {"/metadata": statement})
    said = examined(personalize, planted_sandbox.url)
    assert said.code == 0, said.err
    assert findings(said)["version"]["seen"] == f"{version}, which is {release}"
    assert findings(said)["rung"]["seen"] == "the server states what observation needs"


def test_plain_http_elsewhere_is_bad_and_an_unnamed_address_is_told_its_limits(personalize):
    with respx.mock(assert_all_called=False) as router:
        router.get("http://fhir.example/r4/metadata").mock(
            return_value=httpx.Response(200, json={"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"})
        )
        router.route(host="fhir.example").mock(return_value=httpx.Response(200, json={"resourceType": "Bundle"}))
        said = examined(personalize, "http://fhir.example/r4")
    finding = findings(said)["address"]
    assert said.code == 1 and "plain http" in finding["seen"] and "at most 50" in finding["so"]


def test_as_text_it_is_a_table_of_one_screen_width(personalize, planted_sandbox):
    said = personalize("doctor", planted_sandbox.url)
    assert said.code == 0
    assert max(map(len, said.out.splitlines())) <= 100
    assert "writing would begin on the rung: observation" in said.out
