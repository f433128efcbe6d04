"""Fault 7: a server that takes batches only, some entries of which it refuses, or fails."""

import pytest
from derived_files import Derived

BATCH = 'no = ["transaction"]\n'
ENTRY = '[[fault]]\nentry = "^{type}/"\n{when}do = "status"\nstatus = {status}\n'


def written(world):
    world.patients("a", "b")
    return world.written(*(Derived(each, level="enhanced") for each in "ab"))


@pytest.mark.parametrize("status", [500, 503, 409])
@pytest.mark.parametrize("kind", ["Observation", "Provenance"])
def test_of_a_batch_only_what_failed_is_sent_again(wrong, kind, status):
    world = wrong(BATCH + ENTRY.format(type=kind, when="first = 2\n", status=status))
    run, told = written(world)
    assert (told["set_aside"], told["rung"]) == ([], {"patient": 2})
    assert set(world.sandbox.versions().values()) == {1, 2}
    assert {ref for ref, n in world.sandbox.versions().items() if n > 1} == {"Patient/a", "Patient/b"}
    others = {"Observation", "Provenance"} - {kind}
    assert [state for type, state in world.states(run) if type in others] == ["done", "done"]


def test_what_is_refused_is_set_aside_and_no_patient_points_at_it(wrong):
    world = wrong(BATCH + ENTRY.format(type="Observation", when='body = "Patient/b"\n', status=422))
    run, told = written(world)
    assert [each["where"] for each in told["set_aside"]] == ["Patient/b"]
    assert world.extension("a")
    assert world.extension("b") is None
    world.sandbox.faults.replan(type(world.sandbox.faults.plan)())
    assert world.applied(run, retry_failed=True)["set_aside"] == []
    assert world.extension("b")
    assert {n for ref, n in world.sandbox.versions().items() if not ref.startswith("Patient/")} == {1}


def test_a_batch_that_is_stated_and_refused_becomes_single_requests(wrong):
    world = wrong('claimed = ["transaction", "batch"]')
    _, told = written(world)
    assert (told["set_aside"], told["rung"]) == ([], {"patient": 2})
    refused = [each for each in world.sandbox.requests if each.path == "/fhir"]
    assert 2 <= len(refused) <= 4
    world.sandbox.requests.clear()
    world.written(*(Derived(each, level="intensive") for each in "ab"))
    assert [each for each in world.sandbox.requests if each.path == "/fhir"] == []
