"""The sandbox exports as the Bulk Data IG says, and refuses what it says must be refused."""

from __future__ import annotations

import json

import httpx
import pytest

ASYNC = {"Prefer": "respond-async"}
LENIENT = {"Prefer": "respond-async, handling=lenient"}


def visit(key, of, status="finished"):
    return {"resourceType": "Encounter", "id": key, "status": status, "subject": {"reference": f"Patient/{of}"}}


@pytest.fixture
def server(misbehaving):
    """Three patients with two visits each, two of them in a group, served with these habits."""

    def start(habits="polls = 0"):
        made = misbehaving(f"[bulk]\n{habits}")
        people = [{"resourceType": "Patient", "id": f"p{n}"} for n in range(3)]
        visits = [visit(f"e{n}{k}", f"p{n}") for n in range(3) for k in range(2)]
        members = [
            {"entity": {"reference": "Patient/p0"}},
            {"entity": {"reference": "Patient/p1"}},
            {"entity": {"reference": "Patient/p2"}, "inactive": True},
        ]
        group = {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": members}
        made.store.load(json.dumps(each).encode() for each in [*people, *visits, group])
        return made

    return start


def begun(server, path="Patient/$export", headers=ASYNC, **parameters):
    return httpx.get(f"{server.url}/{path}", params=parameters, headers=headers)


def manifest(answer):
    assert answer.status_code == 202, answer.text
    done = httpx.get(answer.headers["Content-Location"])
    assert done.status_code == 200
    return done.json()


def ids(told, kind="output"):
    lines = [line for item in told[kind] for line in httpx.get(item["url"]).text.splitlines()]
    return sorted(json.loads(line)["id"] for line in lines)


def test_an_export_is_asked_after_until_it_is_done_and_ended(server):
    made = server("polls = 2\nretry-after = '7'")
    where = begun(made).headers["Content-Location"]
    waiting = [httpx.get(where) for _ in range(2)]
    assert [each.status_code for each in waiting] == [202, 202]
    assert {each.headers["Retry-After"] for each in waiting} == {"7"} and all(e.headers["X-Progress"] for e in waiting)
    told = httpx.get(where)
    assert told.status_code == 200 and told.headers["Expires"]
    assert {"transactionTime", "request", "requiresAccessToken", "output", "error"} <= told.json().keys()
    file = httpx.get(told.json()["output"][0]["url"])
    assert file.headers["Content-Type"].startswith("application/fhir+ndjson") and file.text.endswith("\n")
    assert [httpx.delete(where).status_code, httpx.get(where).status_code] == [202, 404]
    assert httpx.get(told.json()["output"][0]["url"]).status_code == 404


def test_the_levels_hold_whom_they_should(server):
    made = server()
    everybody = ["e00", "e01", "e10", "e11", "e20", "e21"]
    assert ids(manifest(begun(made, "$export", _type="Encounter"))) == everybody
    assert ids(manifest(begun(made, "Patient/$export", _type="Encounter"))) == everybody
    assert ids(manifest(begun(made, "Group/g/$export", _type="Patient,Encounter"))) == [*everybody[:4], "p0", "p1"]
    assert begun(made, "Group/none/$export").status_code == 404


def test_some_patients_by_post(server):
    made = server()
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "_type", "valueString": "Encounter"},
            {"name": "patient", "valueReference": {"reference": "Patient/p1"}},
        ],
    }
    answer = httpx.post(f"{made.url}/Group/g/$export", json=body, headers=ASYNC)
    assert ids(manifest(answer)) == ["e10", "e11"]


def test_since_holds_what_changed_and_what_was_deleted(server):
    made = server()
    since = manifest(begun(made))["transactionTime"]
    made.store.put(visit("e00", "p0", "cancelled"))
    httpx.delete(f"{made.url}/Encounter/e01")
    told = manifest(begun(made, _since=since))
    assert ids(told) == ["e00"]
    (item,) = told["deleted"]
    (line,) = httpx.get(item["url"]).text.splitlines()
    assert json.loads(line)["entry"] == [{"request": {"method": "DELETE", "url": "Encounter/e01"}}]


def test_filters_of_one_type_are_alternatives(server):
    made = server()
    made.store.put(visit("e00", "p0", "cancelled"))
    filters = "Encounter?status=cancelled,Encounter?_id=e20"
    assert ids(manifest(begun(made, _type="Encounter", _typeFilter=filters))) == ["e00", "e20"]


@pytest.mark.parametrize(
    ("parameters", "headers"),
    [
        ({}, {}),
        ({"_type": "Nonsense"}, ASYNC),
        ({"_type": ["Patient", "Encounter"]}, ASYNC),
        ({"_since": "2026-07-01"}, ASYNC),
        ({"_typeFilter": "Encounter?_include=Encounter:subject"}, ASYNC),
        ({"_outputFormat": "text/csv"}, ASYNC),
        ({"_elements": "id"}, ASYNC),
    ],
)
def test_what_must_be_refused_is(server, parameters, headers):
    assert begun(server(), headers=headers, **parameters).status_code == 400


def test_leniently_what_it_does_not_know_is_left_out(server):
    made = server("polls = 0\nno = ['_since']")
    assert begun(made, _since="2099-01-01T00:00:00Z").status_code == 400
    assert len(ids(manifest(begun(made, headers=LENIENT, _since="2099-01-01T00:00:00Z", _type="Patient")))) == 3


def test_what_it_does_not_offer_it_neither_states_nor_does(server):
    stated = httpx.get(f"{server('at = []').url}/metadata").text
    assert "export" not in stated
    made = server("at = ['Patient']")
    assert begun(made, "$export").status_code == begun(made, "Group/g/$export").status_code == 404
    assert begun(made).status_code == 202


def test_what_is_written_while_it_runs_is_not_in_it(server):
    made = server("polls = 1")
    where = begun(made, _type="Encounter").headers["Content-Location"]
    made.store.put(visit("late", "p0"))
    made.store.put(visit("e00", "p0", "cancelled"))
    httpx.get(where)
    told = httpx.get(where).json()
    lines = [json.loads(line) for line in httpx.get(told["output"][0]["url"]).text.splitlines()]
    assert {(line["id"], line["status"]) for line in lines} == {
        (f"e{n}{k}", "finished") for n in range(3) for k in (0, 1)
    }
