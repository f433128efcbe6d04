"""Faults 1 and 2: the process is killed (kill -9) as a request arrives, or after it was done and before its answer.

At every request of an apply, by a server that knows whom to kill; then the same command is typed again.
"""

import signal

import pytest
from derived_files import Derived
from processes import personalize

from service.sandbox.faults import Plan

PEOPLE = Derived("a", level="enhanced"), Derived("b", level=None, level_absent="deceased")


def planned(world):
    """Two patients, and a plan for them."""
    world.patients("a", "b")
    bare = world.everything()
    run, _ = world.planned(*PEOPLE)
    world.catalog.reached(run.run, "plan")
    world.sandbox.requests.clear()
    return run, bare


def applying(world, folder):
    return personalize(folder, "apply", world.sandbox.url, "--lake", world.lake.root)


def undisturbed(wrong, tmp_path):
    """How many requests it takes, and what stands afterwards."""
    world = wrong()
    planned(world)
    process = applying(world, tmp_path)
    process.join(300)
    assert process.exitcode == 0
    return len(world.sandbox.requests), standing(world)


def standing(world):
    """How often each kind of resource was written; ids differ, for they tell of the address."""
    return sorted((reference.split("/")[0], version) for reference, version in world.sandbox.versions().items())


@pytest.mark.parametrize("when", ["drop-before", "drop-after"])
def test_every_write_survives_a_kill(wrong, tmp_path, when):
    count, clean = undisturbed(wrong, tmp_path)
    assert count >= 6
    for step in range(1, count + 1):
        world = wrong()
        run, bare = planned(world)
        killed_at(step, when, world, tmp_path)
        again = applying(world, tmp_path)
        again.join(300)
        assert again.exitcode == 0, step
        assert standing(world) == clean, step
        assert {state for _, state in world.states(run)} <= {"done", "failed"}, step
        assert world.undone(run)["set_aside"] == [], step
        assert world.everything() == bare, step


def killed_at(step, when, world, folder):
    faults, process = world.sandbox.faults, None

    def kill(_fault):
        process.kill()  # no instruction of it runs after this, so no answer is seen

    faults.replan(Plan.model_validate({"fault": [{"do": when, "nth": step}]}))
    faults.struck, faults.carried_out = (kill, None) if when == "drop-before" else (None, kill)
    process = applying(world, folder)
    process.join(300)
    assert process.exitcode == -signal.SIGKILL, step
    faults.replan(Plan())
    faults.struck = faults.carried_out = None
