"""Faults 6 and 9 (writing): 409, 412, 429 and 503 without end; bounded tries, then set aside, visibly, and retried."""

import json

import pytest
from derived_files import Derived

PLAN = '[[fault]]\nmethod = "POST"\npath = "^$"\nbody = "{body}"\ndo = "status"\nstatus = {status}\n'


def some(*ids, level="enhanced"):
    return [Derived(each, level=level) for each in ids]


@pytest.mark.parametrize("status", [409, 412, 500, 503])
def test_a_storm_ends_and_what_it_left_is_tried_again(wrong, status):
    world = wrong(PLAN.format(body="Patient/b", status=status))
    world.patients("a", "b", "c")
    run, told = world.written(*some("a", "b", "c"))
    assert [each["where"] for each in told["set_aside"]] == ["Patient/b"]
    assert "not written in 5 tries" in told["set_aside"][0]["why"]
    assert told["rung"] == {"patient": 2}
    tried = [each for each in world.sandbox.requests if each.path == "/fhir" and each.status == status]
    assert len(tried) <= 5
    assert world.catalog.aside(run.run).keys() == {"Patient/b"}
    world.sandbox.faults.replan(type(world.sandbox.faults.plan)())
    world.sandbox.requests.clear()
    again = world.applied(run, retry_failed=True)
    assert (again["rung"], again["set_aside"]) == ({"patient": 1}, [])
    assert all("Patient/a" not in each.path for each in world.sandbox.requests)
    assert world.catalog.aside(run.run) == {}
    assert world.applied(run, retry_failed=True)["written"] == {}


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_share_of_failures_stops_it_and_the_rest_is_counted(wrong, share):
    """Every third patient is refused: beyond a tenth, within a half."""
    world = wrong(PLAN.format(body='Patient/p[0-9]*[369]\\"', status=422).replace('\\\\"', '\\"'), max_failures=share)
    ids = [f"p{n}" for n in range(1, 61)]
    world.patients(*ids)
    _, told = world.written(*some(*ids), rung="observation")
    if share == 0.5:
        assert (told["stopped"], told["unwritten"]) == (None, 0)
    else:
        assert "beyond max_failures" in told["stopped"]
        assert told["unwritten"] >= 30
    assert told["rung"]["observation"] + len(told["set_aside"]) + told["unwritten"] == 60


def test_a_busy_server_is_asked_more_slowly_and_then_as_fast_again(wrong):
    world = wrong('[[fault]]\nmethod = "POST"\npath = "^$"\nfirst = 4\ndo = "status"\nstatus = 429\nretry-after = "0"')
    ids = [f"p{n}" for n in range(12)]
    world.patients(*ids)
    _, told = world.written(*some(*ids))
    assert (told["set_aside"], told["rung"]) == ([], {"patient": 12})


def test_a_server_that_asks_for_hours_ends_the_run_and_names_the_time(wrong, tmp_path):
    world = wrong('[[fault]]\nmethod = "POST"\npath = "^$"\ndo = "status"\nstatus = 429\nretry-after = "18000"')
    world.patients("a", "b")
    run, told = world.written(*some("a", "b"))
    assert "18000 s" in told["stopped"]
    assert told["unwritten"] == 2
    assert "intended" not in {state for _, state in world.states(run)}


def test_the_command_lists_who_was_set_aside_and_tries_them_again(personalize, misbehaving):
    server = misbehaving(PLAN.format(body="Patient/x2", status=422))
    for n in (1, 2):
        server.store.put({"resourceType": "Patient", "id": f"x{n}", "birthDate": "1970-01-01"})
    said = personalize("run", server.url, "--as-of", "2026-07-01", "--apply", "--json")
    assert said.code == 3
    assert [each["where"] for each in said.json["set_aside"]] == ["Patient/x2"]
    assert any("--retry-failed" in note for note in said.json["notes"])
    server.faults.replan(type(server.faults.plan)())
    again = personalize("apply", server.url, "--retry-failed", "--json")
    assert (again.code, again.json["set_aside"]) == (0, [])
    panels = [ref for ref in server.versions() if ref.startswith("Observation/")]
    assert len(panels) == 2
    assert json.loads(said.out)["rung"] == {"observation": 1}
