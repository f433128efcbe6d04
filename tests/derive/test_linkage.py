"""Which records are one person, and which of them survives."""

import pytest
from oracle.histories import encounter, link, patient

from service.derive.linkage import survivors

from .lakes import profiled


@pytest.mark.parametrize(
    ("links", "inactive", "expected"),
    [
        ([("a", "replaced-by", "b")], set(), {"a": "b", "b": "b"}),
        ([("b", "replaces", "a")], set(), {"a": "b", "b": "b"}),
        ([("a", "replaced-by", "b"), ("b", "replaced-by", "c")], set(), {"a": "c", "b": "c", "c": "c"}),
        ([("a", "seealso", "b"), ("a", "refer", "b")], set(), {}),
        ([("a", "replaced-by", "a")], set(), {"a": "a"}),
        # In a circle nobody is left over: an active one, then the smallest id.
        ([("a", "replaced-by", "b"), ("b", "replaced-by", "a")], {"a"}, {"a": "b", "b": "b"}),
        ([("a", "replaced-by", "b"), ("b", "replaced-by", "a")], set(), {"a": "a", "b": "a"}),
        # A fork leaves two.
        ([("a", "replaced-by", "b"), ("a", "replaced-by", "c")], {"b"}, {"a": "c", "b": "c", "c": "c"}),
    ],
)
def test_survivors(links, inactive, expected):
    assert survivors(links, inactive) == expected


def test_a_long_chain_is_one_person():
    chain = [(f"p{n:05}", "replaced-by", f"p{n + 1:05}") for n in range(20_000)]
    assert set(survivors(chain, set()).values()) == {"p20000"}


def test_merged_patients_equal_the_union_of_their_records(tmp_path):
    def visits(*who):
        return [encounter(f"e{n}", "EMER", f"2026-03-0{n + 1}T08:00:00Z", who=each) for n, each in enumerate(who)]

    merged = [patient("new", link=[link("old", "replaces")]), patient("old", deceasedBoolean=False)]
    apart = profiled(tmp_path / "apart", [*merged, *visits("old", "new", "old", "old")])
    one = profiled(tmp_path / "one", [patient("new"), *visits("new", "new", "new", "new")])
    assert apart.measures == one.measures
    assert apart.profiles == one.profiles


def test_a_record_whose_survivor_was_not_pulled_is_told_of_and_has_no_profile(tmp_path):
    derived = profiled(tmp_path, [patient("old", link=[link("elsewhere", "replaced-by")]), patient("p")])
    assert set(derived.profiles) == {"Patient/p"}
    assert derived.report["set_aside"] == [
        {"where": "Patient/old", "why": "replaced by Patient/elsewhere, which is not among those pulled"}
    ]
