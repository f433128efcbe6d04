"""Fault 1, 10, 13 of reading: kill -9 as any request of a pull arrives, or before its answer is seen; typed again, it
finishes, asks for no page again that it had kept, and holds what the server has."""

import signal
from functools import partial

import httpx
import pytest
from processes import finished, personalize, until_quiet
from pulled import held, there

from service.pull.pull import READ
from service.sandbox import Faults, running
from service.sandbox.faults import Plan

COUNT = 5


@pytest.fixture
def server():
    with running(patients=12, faults=Faults.of("")) as sandbox:
        yield sandbox


@pytest.fixture
def pulling(server, tmp_path):
    (tmp_path / "personalize.toml").write_text(
        f'[sources.clinic]\nurl = "{server.url}"\npage_size = {COUNT}\npull = "search"\n'
    )

    def start(*words, lake="lake"):
        return personalize(tmp_path, "pull", server.url, "--lake", tmp_path / lake, *words)

    return start


def killed_at(step, when, server, start):
    """The `step`-th request is the last thing that the process does."""
    faults, process = server.faults, None

    def kill(_fault):
        process.kill()

    faults.replan(Plan.model_validate({"fault": [{"do": when, "nth": step}]}))
    faults.struck, faults.carried_out = (kill, None) if when == "drop-before" else (None, kill)
    process = start()
    assert finished(process) == -signal.SIGKILL, step
    until_quiet(server)
    faults.replan(Plan())
    faults.struck = faults.carried_out = None


def pages(server):
    return [each.path for each in server.requests if "_count=" in each.path or "_getpages" in each.path]


@pytest.mark.parametrize("when", ["drop-before", "drop-after"])
def test_a_killed_pull_is_taken_up_where_it_was(server, pulling, tmp_path, when):
    assert finished(pulling(lake="undisturbed")) == 0
    requests, whole = len(server.requests), len(pages(server))
    for step in range(2, requests + 1, requests // 6):
        lake = f"lake{step}{when}"
        server.requests.clear()
        killed_at(step, when, server, partial(pulling, lake=lake))
        assert not list((tmp_path / lake).glob("raw/*/*/manifest.json"))
        assert finished(pulling(lake=lake)) == 0, step
        assert held(tmp_path / lake) == there(server), step
        assert len(list((tmp_path / lake).glob("raw/*/*"))) == 1, step
        # what was on its way when it died is asked for once more: as many as may be at once
        assert len(pages(server)) <= whole + 5, step


def test_a_type_that_was_read_to_its_end_is_not_asked_for_again(server, pulling):
    """Killed as it is asked how many there are, which comes after the last page."""
    assert finished(pulling(lake="undisturbed")) == 0
    counts = [number for number, each in enumerate(server.requests, 1) if "_summary=count" in each.path]
    whole = len(pages(server))
    server.requests.clear()
    killed_at(counts[-1], "drop-before", server, pulling)
    assert finished(pulling()) == 0
    assert len(pages(server)) <= whole + 5


def test_what_a_kill_left_lying_about_is_not_committed(server, pulling, tmp_path):
    """As after one between a type's last word and the removal of what it was put together from."""
    killed_at(9, "drop-before", server, pulling)
    (part,) = (tmp_path / "lake").glob("raw/*/*.part")
    for name in ("Encounter.new.ndjson", "Encounter.new.state", "Encounter.ndjson.new", "asked.state.new"):
        (part / name).write_text('{"resourceType":"Encounter","id":"stale","meta":{"versionId":"1"}}\n')
    assert finished(pulling()) == 0
    assert held(tmp_path / "lake") == there(server)
    (run,) = (tmp_path / "lake").glob("raw/*/*/manifest.json")
    assert {each.name for each in run.parent.iterdir()} <= {"manifest.json", *(f"{kind}.ndjson" for kind in READ)}


def test_a_pull_killed_again_and_again_still_ends(server, pulling, tmp_path):
    for step in (4, 3, 5, 4):
        killed_at(step, "drop-before", server, pulling)
    assert finished(pulling()) == 0
    assert held(tmp_path / "lake") == there(server)


def test_an_incremental_pull_survives_a_kill(server, pulling, tmp_path):
    assert finished(pulling()) == 0
    first = {path: path.read_bytes() for path in (tmp_path / "lake").glob("raw/*/*/*")}
    change(server, 7)
    server.requests.clear()
    assert finished(pulling(lake="fresh")) == 0
    for step in (2, 6, 10):
        killed_at(step, "drop-after", server, pulling)
    assert finished(pulling()) == 0
    assert held(tmp_path / "lake") == held(tmp_path / "fresh") == there(server)
    assert {path: path.read_bytes() for path in first} == first


def test_an_expired_link_after_a_kill_begins_that_type_again(server, pulling, tmp_path):
    killed_at(6, "drop-before", server, pulling)
    server.app.state.links._pages.clear()
    assert finished(pulling()) == 0
    assert held(tmp_path / "lake") == there(server)


@pytest.mark.parametrize("spoilt", ["cut", "overwritten", "journal"])
def test_what_was_left_is_believed_only_as_far_as_it_can_be_read(server, pulling, tmp_path, spoilt):
    killed_at(9, "drop-before", server, pulling)
    (part,) = (tmp_path / "lake").glob("raw/*/*.part")
    unfinished = [each for each in part.glob("[A-Z]*.state") if b'"done"' not in each.read_bytes()]
    assert unfinished
    for journal in unfinished:
        file = journal.with_suffix(".ndjson")
        body = file.read_bytes()
        if spoilt == "cut":
            file.write_bytes(body[:-20])
        elif spoilt == "overwritten" and body:
            file.write_bytes(b"\0" * 50 + body[50:])
        elif spoilt == "journal":
            journal.write_bytes(journal.read_bytes()[:-9])
    assert finished(pulling()) == 0
    assert held(tmp_path / "lake") == there(server)


def test_another_question_takes_nothing_up(server, pulling, tmp_path):
    killed_at(9, "drop-before", server, pulling)
    assert finished(pulling("--patient-limit", 3)) == 0
    assert sum(each.startswith("Patient/") for each in held(tmp_path / "lake")) == 3
    assert not list((tmp_path / "lake").glob("raw/*/*.part"))


def change(server, n):
    visit = httpx.get(f"{server.url}/Encounter?_count=1").json()["entry"][0]["resource"]
    patient = httpx.get(f"{server.url}/Patient?_count=1").json()["entry"][0]["resource"]
    visit["length"] = {"value": n, "unit": "min"}
    new = {**visit, "id": f"new{n}"}
    for each in (visit, new, {**patient, "birthDate": "1950-01-01"}):
        assert httpx.put(f"{server.url}/{each['resourceType']}/{each['id']}", json=each).status_code < 300
