"""Fault 8: a transaction that answers 500 after some of its entries were done."""

import pytest
from derived_files import Derived


@pytest.mark.parametrize("entries", [0, 1, 2])
@pytest.mark.parametrize("again", [1, 3])
def test_a_transaction_is_all_or_nothing_or_finished(wrong, entries, again):
    world = wrong(f'[[fault]]\nmethod = "POST"\npath = "^$"\ndo = "partial"\nentries = {entries}\nfirst = {again}')
    world.patients("a", "b")
    bare = world.everything()
    run, told = world.written(*(Derived(each, level="enhanced") for each in "ab"))
    assert (told["set_aside"], told["rung"]) == ([], {"patient": 2})
    assert {n for ref, n in world.sandbox.versions().items() if not ref.startswith("Patient/")} == {1}
    assert "intended" not in {state for _, state in world.states(run)}
    assert world.undone(run)["set_aside"] == []
    assert world.everything() == bare
