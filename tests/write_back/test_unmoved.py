"""A plan whose profiles have not moved composes nothing, and says the same as one that composes everything."""

import httpx
import pytest
from derived_files import AS_OF, Derived, count

from service.compose import rows
from service.compose.content import encode
from service.settings import Source

A, B, C = Derived("a"), Derived("b", level="intensive"), Derived("c", level=None, level_absent="deceased")


@pytest.fixture
def composed(monkeypatch):
    """The patients who were composed, in order."""
    names, real = [], rows._profile

    def profile(row, measures):
        names.append(row["patient"])
        return real(row, measures)

    monkeypatch.setattr(rows, "_profile", profile)
    return names


@pytest.fixture
def standing(world, composed):
    """Written once, and planned once more: nothing was composed that time."""
    world.patients("a", "b", "c")
    world.written(A, B, C)
    composed.clear()
    _, told = world.planned(A, B, C)
    assert told["counts"] == {"create": 0, "update": 0, "unchanged": 3, "remove": 0}
    assert composed == []
    return world


def planned_both_ways(world, *derived, **how):
    """With what was kept, and with all composed again; returns what is told."""
    run, told = world.planned(*derived, **how)
    header, lines = world.lines(run)
    again, whole = world.planned(*derived, full=True, **how)
    headers, all_lines = world.lines(again)
    assert told == whole
    assert {key: header[key] for key in ("counts", "levels", "level_changes")} == {
        key: headers[key] for key in ("counts", "levels", "level_changes")
    }
    assert by_patient(lines) == by_patient(all_lines)
    return told


def by_patient(lines):
    timeless = ("provenance", "fingerprints")
    return {line["patient"]: {key: part for key, part in line.items() if key not in timeless} for line in lines}


def test_who_moved_is_composed_and_nobody_else(standing, composed):
    moved = Derived("b", level="intensive", measures=[count("ed-visits-p1y", 2)])
    run, told = standing.planned(A, moved, C)
    assert composed == ["Patient/b"]
    assert told["counts"] == {"create": 0, "update": 1, "unchanged": 2, "remove": 0}
    assert standing.applied(run)["written"] == {"Observation": 1, "Provenance": 1}
    planned_both_ways(standing, A, moved, C)


@pytest.mark.parametrize(
    "change",
    [
        {"level": "enhanced"},
        {"pathways": ["usual-clinician"]},
        {"measures": [count("ed-visits-p1y", 1), count("billed-charges-p1y", "120.50", "EUR")]},
        {"measures": [count("ed-visits-p1y", 1)]},
        {"measures": [count("ed-visits-p1y", 1), count("billed-charges-p1y", "120.500001", "USD")]},
    ],
)
@pytest.mark.parametrize("rung", ["observation", "patient"])
def test_whatever_moves_in_a_row_is_seen(standing, composed, change, rung):
    composed.clear()
    told = planned_both_ways(standing, Derived("a", **change), B, C, rung=rung)
    assert told["counts"]["update"] == 1
    assert composed[0] == "Patient/a"


def test_a_panel_changed_by_hand_is_seen(standing, composed):
    panel = standing.panel("Patient/a")
    standing.sandbox.store.put(encode(panel | {"status": "cancelled"}))
    told = planned_both_ways(standing, A, B, C)
    assert composed[0] == "Patient/a"
    assert told["held"] + told["counts"]["update"] == 1


def test_a_panel_that_is_gone_is_made_again(standing, composed):
    panel = standing.panel("Patient/b")
    assert httpx.delete(f"{standing.sandbox.url}/Observation/{panel['id']}").status_code < 300
    told = planned_both_ways(standing, A, B, C)
    assert composed[0] == "Patient/b"
    assert told["held"] + told["counts"]["create"] == 1


def test_an_extension_taken_off_by_hand_is_seen(standing, composed):
    bare = standing.patient("a")
    bare.pop("extension")
    standing.sandbox.store.put(encode(bare))
    planned_both_ways(standing, A, B, C)
    assert composed[0] == "Patient/a"


def test_what_lapses_is_written_again(standing, composed):
    told = planned_both_ways(standing, A, B, C, as_of=AS_OF.replace(month=9))
    assert composed[:3] == ["Patient/a", "Patient/b", "Patient/c"]
    assert told["counts"]["update"] == 3


def test_who_came_and_who_went(standing, composed):
    standing.patients("d")
    told = planned_both_ways(standing, A, C, Derived("d"))
    assert composed[0] == "Patient/d"
    assert told["counts"]["create"] == 1


@pytest.mark.parametrize(
    "how",
    [{"policy": "2"}, {"limited": True}, {"full": True}, {"rung": "flag"}],
    ids=["another policy", "some patients alone", "asked for", "another rung"],
)
def test_where_a_row_does_not_say_it_all_everybody_is_composed(standing, composed, how):
    standing.planned(A, B, C, **how)
    assert composed == ["Patient/a", "Patient/b", "Patient/c"]


@pytest.mark.parametrize("spoilt", [b"", b"{}\n", b'{"form": 1'], ids=["empty", "no first line", "cut off"])
def test_what_cannot_be_read_is_composed_again(standing, composed, spoilt):
    (kept,) = standing.lake.root.glob("standing/*.composed")
    kept.write_bytes(spoilt)
    _, told = standing.planned(A, B, C)
    assert composed == ["Patient/a", "Patient/b", "Patient/c"]
    assert told["counts"]["unchanged"] == 3


def test_a_review_is_asked_about_everybody(standing, composed):
    standing.source = Source(**{**standing.source.model_dump(), "review": "intensive"})
    _, told = standing.planned(A, B, C)
    assert composed == ["Patient/a", "Patient/b", "Patient/c"]
    assert told["counts"]["update"] == 1


MOVED = {"measures": [count("ed-visits-p1y", 2)]}


@pytest.fixture
def last(standing):
    """The profiles of the last plan."""
    return lambda: max(standing.lake.root.glob("profiles/*/*"))


def test_of_those_carried_over_no_row_is_looked_at(standing, composed, last):
    """That derive says who they are suffices: here it says nothing of `a`, who moved as well."""
    _, told = standing.planned(Derived("a", **MOVED), Derived("b", **MOVED), C, carried=(last(), ["b", "c"]))
    assert composed == ["Patient/b"]
    assert told["counts"] == {"create": 0, "update": 1, "unchanged": 2, "remove": 0}


def test_what_was_carried_over_from_other_files_is_looked_at(standing, composed, last):
    first = min(standing.lake.root.glob("profiles/*/*"))
    assert first != last()
    _, told = standing.planned(Derived("a", **MOVED), B, C, carried=(first, []))
    assert composed == ["Patient/a"]
    assert told["counts"]["update"] == 1


def test_who_went_is_not_among_those_carried_over(standing, composed, last):
    standing.patients("d")
    _, told = standing.planned(A, C, Derived("d"), carried=(last(), ["d"]))
    assert composed == ["Patient/d"]
    assert told["counts"]["create"] == 1
    assert told["counts"]["unchanged"] == 3, "of `b` nobody says that it is gone"
