"""An apply that was interrupted, taken up by the same plan: what was answered before is neither sent nor read again."""

import time

import pytest
from derived_files import Derived

from service.settings import Source
from service.write_back.applier import AHEAD

IDS = [f"p{n:02}" for n in range(20)]
SECOND = 3  # the Device is the first, then the first patients
IN_FLIGHT = Source.model_fields["in_flight"].default


def interrupted_after(count, by=KeyboardInterrupt):
    done = []

    def progress(_what, _count):
        done.append(1)
        if len(done) == count:
            raise by

    return progress


@pytest.fixture
def half(world):
    """A run whose apply ended after about half of its patients."""
    world.patients(*IDS)
    run, _ = world.planned(*map(Derived, IDS))
    with pytest.raises(KeyboardInterrupt):
        world.applied(run, progress=interrupted_after(10))
    world.sandbox.requests.clear()
    return world, run


def test_a_resumed_apply_is_about_the_rest_alone(half):
    world, run = half
    stood = len(world.stored("Observation"))
    answered = len(world.catalog.finished(run.run))
    assert 10 <= answered <= stood < 20
    told = world.applied(run)
    assert len(world.stored("Observation")) == 20
    # What was sent when the apply ended may still have arrived after we looked.
    assert 20 - answered - IN_FLIGHT <= told["written"]["Observation"] <= 20 - stood
    reads = [each for each in world.sandbox.requests if each.method == "GET" and "/fhir/metadata" not in each.path]
    assert len(reads) < 3 * answered  # who was under way is read, and nobody else
    assert max(world.sandbox.versions().values()) == 2


def test_a_resumed_apply_ends_where_an_undisturbed_one_does(half):
    world, run = half
    world.applied(run)
    assert "intended" not in {state for _, state in world.states(run)}
    assert world.undone(run)["set_aside"] == []
    assert not world.stored("Observation")


def test_what_was_being_recorded_when_it_ended_is_known_not_to_have_been_sent(world, monkeypatch):
    """The one that fails does so while the others wait for the next ones to be recorded."""
    many = [f"p{n:03}" for n in range(3 * AHEAD)]
    world.patients(*many)
    run, _ = world.planned(*map(Derived, many))
    intend, calls = world.catalog.intend, []

    def slowly(writes):
        calls.append(1)
        if len(calls) == SECOND:
            time.sleep(2)
        return intend(writes)

    monkeypatch.setattr(world.catalog, "intend", slowly)
    with pytest.raises(ZeroDivisionError):
        world.applied(run, progress=interrupted_after(AHEAD, ZeroDivisionError))
    waiting = [state for _, state in world.states(run) if state == "intended"]
    assert len(waiting) <= 3 * IN_FLIGHT


def test_a_plan_that_was_carried_out_takes_nothing_for_granted(half):
    world, run = half
    world.applied(run)
    panel = world.panel("Patient/p03")
    world.talk(lambda server: server.write("DELETE", f"Observation/{panel['id']}"))
    assert world.catalog.finished(run.run) == {}
    assert world.applied(run)["written"].get("Observation") == 1
    assert world.panel("Patient/p03")["id"] == panel["id"]
