"""A TOML file in, a server that goes wrong just so out: what it says, what it does, and when."""

from __future__ import annotations

import httpx
import pytest

from service.errors import WrongUsage
from service.sandbox import Faults

PATIENT = {"resourceType": "Patient", "id": "a"}


def put(server, id="a", **headers):
    sent = {name.replace("_", "-"): text for name, text in headers.items()}
    return httpx.put(f"{server.url}/Patient/{id}", json=PATIENT | {"id": id}, headers=sent)


def entry(id="a", **request):
    return {"resource": PATIENT | {"id": id}, "request": {"method": "PUT", "url": f"Patient/{id}", **request}}


def bundle(server, type, *entries):
    return httpx.post(server.url, json={"resourceType": "Bundle", "type": type, "entry": list(entries)})


def stated(server):
    rest = httpx.get(f"{server.url}/metadata").json()["rest"][0]
    [patient] = [each for each in rest["resource"] if each["type"] == "Patient"]
    system = {each["code"] for each in rest["interaction"]}
    return (
        system
        | {each["code"] for each in patient["interaction"]}
        | {name for name in ("updateCreate", "conditionalCreate") if patient[name]}
    )


def test_what_it_cannot_do_is_neither_stated_nor_done(misbehaving):
    server = misbehaving('no = ["transaction", "batch", "update-create", "patch", "delete", "conditional-create"]')
    assert not stated(server) & {"transaction", "batch", "updateCreate", "patch", "delete", "conditionalCreate"}
    assert put(server).status_code == 405
    assert bundle(server, "transaction", entry()).status_code == 400
    assert bundle(server, "batch", entry()).status_code == 400
    created = httpx.post(f"{server.url}/Patient", json=PATIENT)
    where = created.headers["Location"].partition("/_history")[0]
    assert httpx.delete(where).status_code == 405
    assert server.versions() == {where.removeprefix(f"{server.url}/"): 1}


def test_what_it_claims_is_stated_and_refused(misbehaving):
    server = misbehaving('claimed = ["transaction"]')
    assert "transaction" in stated(server)
    assert bundle(server, "transaction", entry()).status_code == 400
    assert bundle(server, "batch", entry()).status_code == 200


def test_a_type_it_does_not_have(misbehaving):
    server = misbehaving('without = ["Observation"]')
    assert httpx.get(f"{server.url}/Observation").status_code == 404
    observation = {
        "resource": {"resourceType": "Observation", "id": "o"},
        "request": {"method": "PUT", "url": "Observation/o"},
    }
    assert bundle(server, "transaction", observation).status_code == 404
    assert put(server).status_code == 201


def test_conditions_that_it_ignores(misbehaving):
    server = misbehaving('no = ["if-match", "if-none-match"]')
    put(server)
    assert put(server, If_Match='W/"9"').status_code == 200
    assert put(server, If_None_Match="*").status_code == 200
    assert bundle(server, "transaction", entry(ifMatch='W/"9"')).status_code == 200


@pytest.mark.parametrize(
    ("when", "struck"),
    [
        ("nth = 2", [2]),
        ("first = 2", [1, 2]),
        ("every = 2", [2, 4]),
        ("", [1, 2, 3, 4, 5]),
        ("probability = 0.5", [1, 3]),
    ],
)
def test_when_its_turn_comes(misbehaving, when, struck):
    server = misbehaving(
        f'seed = 3\n[[fault]]\nmethod = "PUT"\npath = "^Patient/"\n{when}\ndo = "status"\nstatus = 418'
    )
    assert [n for n in range(1, 6) if put(server, f"p{n}").status_code == 418] == struck


def fault(do, more=""):
    return f'[[fault]]\nmethod = "PUT"\ndo = "{do}"\n{more}'


def test_a_refusal_after_the_work_is_done(misbehaving):
    server = misbehaving(fault("status-after", 'status = 503\nretry-after = "7"'))
    answer = put(server)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert server.versions() == {"Patient/a": 1}


@pytest.mark.parametrize(("do", "stands"), [("drop-before", {}), ("drop-after", {"Patient/a": 1})])
def test_a_connection_that_ends(misbehaving, do, stands):
    server = misbehaving(fault(do))
    with pytest.raises(httpx.RemoteProtocolError):
        put(server)
    assert server.versions() == stands


def test_a_lie(misbehaving):
    server = misbehaving('[[fault]]\ndo = "lie-200"\nmethod = "P(UT|OST)"\n'.replace("P(UT|OST)", "PUT"))
    assert put(server).status_code == 200
    assert server.versions() == {}


def test_an_answer_cut_short(misbehaving):
    server = misbehaving(fault("truncate"))
    assert len(put(server).content) < 100
    assert server.versions() == {"Patient/a": 1}


def test_a_transaction_that_is_none(misbehaving):
    server = misbehaving('[[fault]]\nmethod = "POST"\npath = "^$"\ndo = "partial"\nentries = 1')
    assert bundle(server, "transaction", entry("a"), entry("b")).status_code == 500
    assert server.versions() == {"Patient/a": 1}


def test_one_entry_of_a_batch(misbehaving):
    server = misbehaving('[[fault]]\nentry = "^Patient/b"\nfirst = 1\ndo = "status"\nstatus = 422')
    entries = entry("a"), entry("b")
    told = [
        [each["response"]["status"][:3] for each in bundle(server, "batch", *entries).json()["entry"]] for _ in "12"
    ]
    assert told == [["201", "422"], ["200", "201"]]


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("no = 3", "no: "),
        ('[[fault]]\ndo = "dance"', "fault.0.do"),
        ("[[", "not TOML"),
        ('[[fault]]\ndo="delay"\npath="("', "path"),
    ],
)
def test_a_mistake_in_the_file_is_named(toml, said):
    with pytest.raises(WrongUsage, match=said):
        Faults.of(toml)


def test_the_command_takes_a_file(personalize, tmp_path):
    (tmp_path / "faults.toml").write_text("seed = []")
    said = personalize("sandbox", "--faults", "faults.toml", "--port", "0")
    assert (said.code, "seed" in said.err) == (2, True)
