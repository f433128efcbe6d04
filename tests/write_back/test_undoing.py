"""A run in, the server as it was before out."""

import dataclasses
import json

import pytest
from derived_files import Derived
from fastapi import Response

from service.errors import WriteRefused, WrongUsage
from service.sandbox.outcome import operation_outcome
from service.write_back import undo


def test_what_was_created_is_gone_and_every_patient_is_as_it_was(world):
    world.patients("a", "b")
    before = world.everything()
    run, _ = world.written(Derived("a"), Derived("b"))
    told = world.undone(run)
    assert told == {
        "undone": {"Patient": 2, "Provenance": 2, "Observation": 2, "Device": 1},
        "already": {},
        "set_aside": [],
        "kept": [],
        "notes": [],
    }
    assert world.everything() == before
    assert {state for _, state in world.states(run)} == {"undone"}


def test_what_refers_goes_before_what_is_referred_to(world):
    world.patients("a")
    run, _ = world.written(Derived("a"))
    world.sandbox.requests.clear()
    world.undone(run)
    assert [each.path.split("/")[2] for each in world.sandbox.writes] == [
        "Patient",
        "Provenance",
        "Observation",
        "Device",
    ]


def test_a_second_undo_does_nothing(world):
    world.patients("a")
    run, _ = world.written(Derived("a"))
    world.undone(run)
    world.sandbox.requests.clear()
    assert world.undone(run) == {"undone": {}, "already": {}, "set_aside": [], "kept": [], "notes": []}
    assert world.sandbox.writes == []


def test_an_update_is_undone_to_what_stood_before_it(world):
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b"))
    before = world.everything()
    run, _ = world.written(Derived("a", level="intensive", pathways=["proactive-outreach"]), Derived("b"))
    told = world.undone(run)
    assert (told["set_aside"], told["kept"]) == ([], [])
    assert world.everything() == before


def test_runs_are_undone_one_after_the_other_down_to_nothing(world):
    world.patients("a")
    before = world.everything()
    levels = ("standard", "enhanced", None, "standard")
    runs = [world.written(Derived("a", level=level, level_absent=None if level else "deceased"))[0] for level in levels]
    for run in reversed(runs):
        assert world.undone(run)["set_aside"] == []
    assert world.everything() == before


def test_an_earlier_run_waits_for_the_later_one(world):
    world.patients("a", "b")
    first, _ = world.written(Derived("a"), Derived("b"))
    later, _ = world.written(Derived("a", level="enhanced"), Derived("b"))
    stood = world.everything()["Patient/a"]
    told = world.undone(first)
    assert [each["where"] for each in told["set_aside"]] == ["Patient/a"]
    assert "undo the later run first" in told["set_aside"][0]["why"]
    assert later.run in told["kept"][0]
    assert world.everything()["Patient/a"] == stood
    assert world.extension("b") is None
    world.undone(later)
    assert world.undone(first)["undone"] == {"Patient": 1, "Provenance": 1, "Observation": 1, "Device": 1}
    assert not world.stored("Observation")
    assert not world.stored("Device")


def test_what_others_changed_on_the_patient_since_stays(world):
    world.patients("a")
    run, _ = world.written(Derived("a"))
    body = world.sandbox.store.read("Patient", "a").body
    world.sandbox.store.put(body.replace(b'"Example"', b'"Renamed"'))
    assert world.undone(run)["set_aside"] == []
    after = world.sandbox.store.read("Patient", "a").body
    assert b'"Renamed"' in after
    assert b'"x-unknown":{"amount":100.00}' in after
    assert "extension" not in json.loads(after)


def test_an_edit_in_the_moment_of_the_undo_survives(world):
    world.patients("a")
    run, _ = world.written(Derived("a"))
    edits = []

    def before(method, path, body):
        if method == "PUT" and path == "/fhir/Patient/a" and not edits:
            edits.append(world.sandbox.store.put(world.stored("Patient")["Patient/a"].replace(b"Example", b"Renamed")))

    world.sandbox.before = before
    assert world.undone(run)["set_aside"] == []
    assert world.patient("a")["name"] == [{"family": "Renamed"}]
    assert world.extension("a") is None


def test_a_panel_edited_by_hand_is_set_aside_with_all_that_refers_to_it_kept(world):
    world.patients("a")
    run, _ = world.written(Derived("a"), rung="observation")
    [body] = world.stored("Observation").values()
    world.sandbox.store.put(body.replace(b'"final"', b'"amended"'))
    told = world.undone(run)
    assert told["set_aside"][0]["why"].startswith("Observation: changed since")
    assert world.panel("Patient/a")["status"] == "amended"
    assert told["kept"]


def test_a_panel_that_lost_our_tag_is_not_deleted(world):
    world.patients("a")
    run, _ = world.written(Derived("a"), rung="observation")
    [body] = world.stored("Observation").values()
    resource = json.loads(body)
    del resource["meta"]["tag"]
    world.talk(lambda server: server.write("DELETE", f"Observation/{resource['id']}"))
    world.sandbox.store.put(json.dumps(resource).encode())
    told = world.undone(run)
    assert "no longer bears our tag" in told["set_aside"][0]["why"]
    assert world.stored("Observation")


def test_a_delete_that_collides_within_the_server_is_tried_again(world):
    world.patients("a")
    run, _ = world.written(Derived("a"))
    collided = []

    def before(method, path, body):
        if method == "DELETE" and path not in collided:
            collided.append(path)
            return Response(operation_outcome("conflict", "HAPI-0826"), 409, media_type="application/fhir+json")
        return None

    world.sandbox.before = before
    told = world.undone(run)
    assert (told["set_aside"], len(collided)) == ([], 3)
    assert told["undone"] == {"Patient": 1, "Provenance": 1, "Observation": 1, "Device": 1}


def test_a_delete_that_the_server_refuses_is_set_aside(world):
    world.patients("a")
    run, _ = world.written(Derived("a"))

    def before(method, path, body):
        if method == "DELETE" and "/Observation/" in path:
            return Response(operation_outcome("conflict", "referred to"), 409, media_type="application/fhir+json")
        return None

    world.sandbox.before = before
    told = world.undone(run)
    assert told["set_aside"][0]["why"] == "Observation: 409: referred to; undo what was written later first"
    assert told["undone"] == {"Patient": 1, "Provenance": 1}
    world.sandbox.before = None
    assert world.undone(run)["undone"] == {"Observation": 1, "Device": 1}


def test_an_undone_run_can_be_written_again(world):
    world.patients("a")
    first, _ = world.written(Derived("a"))
    world.undone(first)
    run, told = world.written(Derived("a"))
    assert told["set_aside"] == []
    assert told["written"] == {"Device": 1, "Observation": 1, "Provenance": 1, "Patient": 1}
    assert world.undone(run)["set_aside"] == []


def test_a_write_whose_answer_was_lost_is_undone_too(world):
    world.patients("a")
    before = world.everything()
    run, _ = world.written(Derived("a"))
    world.catalog.settle((write.id, "intended", None) for write in world.catalog.writes(run.run, "Patient/a"))
    assert world.undone(run)["set_aside"] == []
    assert world.everything() == before


def test_a_patient_deleted_since_needs_no_undoing(world):
    world.patients("a")
    run, _ = world.written(Derived("a"))
    world.talk(lambda server: server.write("DELETE", "Patient/a"))
    assert world.undone(run)["set_aside"] == []
    assert world.sandbox.versions() == {}


def test_what_was_not_there_any_more_is_not_told_as_undone(world):
    world.patients("a")
    run, _ = world.written(Derived("a"), rung="observation")
    for reference in [*world.stored("Provenance"), *world.stored("Observation")]:
        world.talk(lambda server, reference=reference: server.write("DELETE", reference))
    told = world.undone(run)
    assert told["undone"] == {"Device": 1}
    assert told["already"] == {"Provenance": 1, "Observation": 1}
    assert told["notes"] == [
        "1 Provenance were as before the run already",
        "1 Observation were as before the run already",
    ]


def test_a_run_at_another_address_is_not_undone_here(world):
    world.patients("a")
    run, _ = world.written(Derived("a"))
    world.sandbox.requests.clear()
    with pytest.raises(WrongUsage, match="leads to"):
        world.undone(dataclasses.replace(run, base="http://127.0.0.1:9/fhir"))
    assert world.sandbox.requests == []


def test_an_open_intent_of_another_address_is_not_settled_here(world):
    from service.catalog import Run, Write

    world.patients("a")
    moved = Run.starting(world.source.id, "http://127.0.0.1:9/fhir", "local", world.clock())
    world.catalog.begin(moved)
    world.catalog.intend([Write(moved.run, "Patient/a", "Observation/sent-there", "create", None, b'{"id":"x"}')])
    world.written(Derived("a"))
    assert world.states(moved) == [("Observation", "intended")]


@pytest.mark.parametrize("again", [False, True])
def test_an_answer_lost_while_undoing_an_update_is_settled_by_what_stands(world, again):
    """The PUT that restores is done and its answer lost; also when this process ends there and undo is run again."""
    world.patients("a")
    world.written(Derived("a"), rung="observation")
    before = world.everything()
    run, _ = world.written(Derived("a", level="enhanced"), rung="observation")
    lost = []

    def before_it(method, path, body):
        if method == "PUT" and "/Observation/" in path and not lost:
            lost.append(world.sandbox.store.put(body))
            return Response(status_code=502)
        if again and lost and method == "GET" and "/Observation/" in path and len(lost) == 1:
            lost.append("dead")
            return Response(status_code=404)
        return None

    world.sandbox.before = before_it
    told = world.undone(run)
    if again:
        assert told["set_aside"]
        told = world.undone(run)
    assert told["set_aside"] == []
    assert world.everything() == before
    assert {state for _, state in world.states(run)} == {"undone"}


def test_an_earlier_run_whose_content_came_back_by_a_later_one_waits_for_it(world):
    world.patients("a")
    clean = world.everything()
    runs = [world.written(Derived("a", level=level))[0] for level in ("standard", "enhanced", "standard")]
    told = world.undone(runs[1])
    assert "undo the later run first" in told["set_aside"][0]["why"]
    assert told["undone"] == {}
    for run in reversed(runs):
        assert world.undone(run)["set_aside"] == []
    assert world.everything() == clean


def test_what_is_kept_names_other_runs_not_this_one(world):
    world.patients("a")
    run, _ = world.written(Derived("a"), rung="observation")
    [body] = world.stored("Observation").values()
    world.sandbox.store.put(body.replace(b'"final"', b'"amended"'))
    [kept] = world.undone(run)["kept"]
    assert run.run not in kept
    assert "the patients set aside" in kept


def test_undo_obeys_the_safety_rule(world):
    world.patients("a")
    run, _ = world.written(Derived("a"))
    world.sandbox.requests.clear()

    async def as_a_stranger(server):
        server.loopback = False
        return await undo(run, server, world.catalog)

    with pytest.raises(WriteRefused):
        world.talk(as_a_stranger)
    assert world.sandbox.requests == []
