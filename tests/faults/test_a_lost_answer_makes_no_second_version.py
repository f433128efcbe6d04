"""Fault 3: the write is done and its answer lost, cut off, or replaced by somebody in between."""

import pytest
from derived_files import Derived

MANNERS = ["", 'no = ["transaction"]', 'no = ["transaction", "batch"]', 'no = ["update-create"]']
LOST = [
    'do = "drop-after"',
    'do = "truncate"',
    'do = "status-after"\nstatus = 502',
    'do = "status-after"\nstatus = 503\nretry-after = "0"',
]


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("lost", LOST)
def test_a_lost_answer_makes_no_second_version(wrong, manner, lost):
    """Every second writing request loses its answer, whatever the manner of writing."""
    world = wrong(f'{manner}\n[[fault]]\n{lost}\nmethod = "(PUT|POST|PATCH)"\npath = "^(?!.*_search)"\nevery = 2')
    world.patients("a", "b", "c")
    bare = world.everything()
    run, told = world.written(*(Derived(each, level="enhanced") for each in "abc"))
    assert (told["set_aside"], told["unwritten"]) == ([], 0)
    versions = world.sandbox.versions()
    assert {ref: n for ref, n in versions.items() if n > 1} == {f"Patient/{each}": 2 for each in "abc"}
    kinds = sorted(reference.partition("/")[0] for reference in versions)
    assert kinds == ["Device", *["Observation"] * 3, *["Patient"] * 3, *["Provenance"] * 3]
    assert "intended" not in {state for _, state in world.states(run)}
    world.sandbox.faults.replan(type(world.sandbox.faults.plan)())
    assert world.undone(run)["set_aside"] == []
    assert world.everything() == bare
