"""Panels whose patient is gone: removed only where that is known, within the limit, and brought back by an undo."""

import json
from pathlib import Path

import pytest
from derived_files import Derived
from fastapi import Response

from service.errors import BeyondLimit
from service.sandbox.outcome import operation_outcome
from service.sandbox.store import Write

FHIR = "application/fhir+json"


@pytest.fixture
def world(world):
    world.limits(max_removals=2)
    return world


def merged(world, old, new):
    patient = world.patient(old) | {"link": [{"type": "replaced-by", "other": {"reference": f"Patient/{new}"}}]}
    world.sandbox.store.put(json.dumps(patient, default=float).encode())


def deleted(world, *ids):
    for each in ids:
        world.talk(lambda server, each=each: server.write("DELETE", f"Patient/{each}"))


def never_there(world, patient):
    """As if the server had never had it: 404, not 410."""

    def before(method, path, body):
        if path.endswith(f"/Patient/{patient}"):
            return Response(operation_outcome("not-found", "unknown"), 404, media_type=FHIR)
        return None

    world.sandbox.before = before


def lines(world, run):
    return {line["patient"]: line for line in world.lines(run)[1]}


def test_a_merged_patient_keeps_nothing_of_ours(world):
    world.patients("a", "b")
    bare = world.everything()["Patient/b"]
    world.written(Derived("a"), Derived("b"))
    merged(world, "b", "a")
    run, told = world.planned(Derived("a"))
    assert told["counts"] == {"create": 0, "update": 0, "unchanged": 1, "remove": 1}
    line = lines(world, run)["Patient/b"]
    assert (line["reasons"], line["gone"]) == (["merged into Patient/a", "Patient: taken off"], "merged")
    applied = world.applied(run)
    assert (applied["written"], applied["removed"]) == ({"Patient": 1}, {"Provenance": 1, "Observation": 1})
    assert len(world.stored("Observation")) == len(world.stored("Provenance")) == 1
    assert {key: value for key, value in world.everything()["Patient/b"].items() if key != "link"} == bare


def test_the_plan_names_each_request_in_the_order_in_which_it_is_sent(world):
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b"), rung="observation")
    merged(world, "b", "a")
    run, _ = world.planned(Derived("a"), rung="observation")
    named = lines(world, run)["Patient/b"]["requests"]
    assert [each["method"] for each in named] == ["DELETE", "DELETE"]
    assert [each["url"].split("/")[0] for each in named] == ["Provenance", "Observation"]
    assert {each["headers"]["If-Match"] for each in named} == {'W/"1"'}
    world.sandbox.requests.clear()
    world.applied(run)
    assert [each.path.removeprefix("/fhir/") for each in world.sandbox.writes] == [each["url"] for each in named]


def test_who_was_deleted_or_is_absent_from_a_complete_pull_is_gone(world):
    world.patients("a", "b", "c")
    world.written(Derived("a"), Derived("b"), Derived("c"))
    deleted(world, "b", "c")
    never_there(world, "c")
    run, told = world.planned(Derived("a"))
    assert told["counts"]["remove"] == 2
    gone = {patient: line["gone"] for patient, line in lines(world, run).items() if "gone" in line}
    assert gone == {"Patient/b": "deleted", "Patient/c": "absent"}
    assert world.applied(run)["removed"] == {"Provenance": 2, "Observation": 2}
    assert len(world.stored("Observation")) == 1


def test_without_a_limit_set_nothing_is_removed(world):
    world.limits(max_removals=0)
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b"))
    deleted(world, "b")
    run, told = world.planned(Derived("a", level="enhanced"))
    assert "the plan removes 1 panels, and max_removals is 0; --max-removals 1 allows it" in told["notes"][0]
    world.sandbox.requests.clear()
    with pytest.raises(BeyondLimit, match="--max-removals 1"):
        world.applied(run)
    assert world.sandbox.writes == []


def test_who_opted_out_is_outside_the_limit(world):
    world.limits(max_removals=0)
    world.patients("a", "b")
    bare = world.everything()["Patient/b"]
    world.written(Derived("a"), Derived("b"))
    run, told = world.planned(Derived("a"), opted_out=["Patient/b"])
    assert (told["counts"]["remove"], told["notes"]) == (1, [])
    assert world.applied(run)["removed"] == {"Provenance": 1, "Observation": 1}
    assert world.everything()["Patient/b"] == bare


def test_an_opt_out_holds_in_a_limited_pull_too(world):
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b"))
    _, told = world.planned(Derived("a"), limited=True, opted_out=["Patient/b"])
    assert told["counts"]["remove"] == 1


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        ({"set_aside": [{"where": "Patient/x", "why": "no FHIR resource"}]}, "the pull set Patients aside"),
        ({"warnings": ["Patient: the answer was cut short"]}, "the server warned of its Patients"),
    ],
)
def test_absence_from_a_partial_pull_proves_nothing(world, manifest, why):
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b"))
    deleted(world, "b")
    never_there(world, "b")
    run, told = world.planned(Derived("a"), manifest=manifest)
    assert (told["counts"]["remove"], told["held"]) == (0, 1)
    assert lines(world, run)["Patient/b"]["held"] == [f"Observation: its Patient is not there, but {why}: left alone"]
    assert world.applied(run)["removed"] == {}


def test_an_empty_pull_proves_nothing(world):
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b"))
    deleted(world, "a", "b")
    world.sandbox.before = lambda _method, path, _body: (
        Response(operation_outcome("not-found", "unknown"), 404, media_type=FHIR) if "/Patient/" in path else None
    )
    _, told = world.planned()
    assert (told["counts"]["remove"], told["held"]) == (0, 2)
    assert "brought no Patient at all" in told["listed"][0]


def test_a_patient_that_the_pull_missed_is_not_gone(world):
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b"))
    body = world.sandbox.store.read("Patient", "b").body
    deleted(world, "b")
    world.sandbox.before = lambda _method, path, _body: (
        Response(body, 200, media_type=FHIR) if path.endswith("/Patient/b") else None
    )
    run, told = world.planned(Derived("a"))
    assert told["listed"] == [
        "Patient/b held: Observation: its Patient is there, though the pull did not bring it: left alone"
    ]
    assert world.applied(run)["removed"] == {}


def test_a_patient_without_a_profile_who_is_there_is_left_alone(world):
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b"))
    _, told = world.planned(Derived("a"))
    assert (told["counts"]["unchanged"], told["counts"]["remove"], told["held"]) == (2, 0, 1)


def test_a_record_that_another_says_it_replaces_is_merged(world):
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b"))
    run, _ = world.planned(Derived("a"), merged={"Patient/b": "Patient/a"})
    assert lines(world, run)["Patient/b"]["gone"] == "merged"


def test_a_patient_who_came_back_since_the_plan_keeps_the_panel(world):
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b"), rung="observation")
    deleted(world, "b")
    run, _ = world.planned(Derived("a"), rung="observation")
    world.patients("b")
    told = world.applied(run)
    assert told["set_aside"] == [{"where": "Patient/b", "why": "its Patient is there again: plan again"}]
    assert len(world.stored("Observation")) == 2


@pytest.mark.parametrize("when", ["before the plan", "after the plan"])
def test_a_panel_that_a_person_changed_stays(world, when):
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b"), rung="observation")
    deleted(world, "b")

    def edit():
        body = json.dumps(world.panel("Patient/b") | {"note": [{"text": "seen"}]}, default=float)
        world.sandbox.store.put(body.encode())

    if when == "before the plan":
        edit()
    run, _ = world.planned(Derived("a"), rung="observation")
    if when == "after the plan":
        edit()
    assert world.applied(run)["removed"] == {}
    assert world.panel("Patient/b")["note"] == [{"text": "seen"}]
    assert len(world.stored("Provenance")) == 2


def test_what_is_removed_is_not_planned_again(world):
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b"))
    merged(world, "b", "a")
    world.written(Derived("a"))
    _, told = world.planned(Derived("a"))
    assert told["counts"] == {"create": 0, "update": 0, "unchanged": 1, "remove": 0}


def test_undo_brings_back_what_was_removed_to_the_letter(world):
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b"))
    world.written(Derived("a"), Derived("b", level="enhanced"))
    merged(world, "b", "a")
    before = world.everything()
    run, told = world.written(Derived("a"))
    assert told["removed"] == {"Provenance": 2, "Observation": 1}
    undone = world.undone(run)
    assert (undone["set_aside"], undone["undone"]) == ([], {"Observation": 1, "Provenance": 2, "Patient": 1})
    assert world.everything() == before
    assert world.undone(run)["undone"] == {}


def test_a_patient_who_opts_in_again_has_a_panel_again(world):
    world.patients("a")
    world.written(Derived("a"))
    world.written(opted_out=["Patient/a"])
    assert not world.stored("Observation")
    run, told = world.written(Derived("a"))
    assert told["set_aside"] == []
    assert world.panel("Patient/a")["status"] == "final"
    assert world.undone(run)["set_aside"] == []
    assert not world.stored("Observation")


def refusing_deletion(method, path, body):
    if method == "DELETE":
        return Response(operation_outcome("not-supported", "no deletion here"), 405, media_type=FHIR)
    return None


def test_where_nothing_can_be_deleted_the_panel_is_entered_in_error(world):
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b"))
    stood = world.everything()
    world.sandbox.before = refusing_deletion
    run, told = world.written(Derived("a"), opted_out=["Patient/b"])
    assert (told["removed"], told["set_aside"]) == ({"Observation": 1}, [])
    assert world.panel("Patient/b")["status"] == "entered-in-error"
    assert world.extension("b") is None
    _, again = world.planned(Derived("a"), opted_out=["Patient/b"])
    assert again["counts"] == {"create": 0, "update": 0, "unchanged": 1, "remove": 0}
    assert world.undone(run)["set_aside"] == []
    assert world.everything() == stood


def test_who_was_withdrawn_and_opts_in_again_is_written_again(world):
    world.patients("a")
    world.written(Derived("a"))
    world.sandbox.before = refusing_deletion
    world.written(opted_out=["Patient/a"])
    world.written(Derived("a"))
    assert world.panel("Patient/a")["status"] in ("final", "amended")


def test_a_deletion_whose_answer_was_lost_is_read(world):
    world.patients("a")
    world.written(Derived("a"), rung="observation")
    lost = []

    def before(method, path, body):
        if method == "DELETE" and "/Observation/" in path and not lost:
            lost.append(path)
            world.talk(lambda server: server.write("DELETE", path.removeprefix("/fhir/")))
            return Response(status_code=502)
        return None

    world.sandbox.before = before
    run, told = world.written(opted_out=["Patient/a"], rung="observation")
    assert (told["removed"], told["set_aside"]) == ({"Provenance": 1, "Observation": 1}, [])
    assert {state for _, state in world.states(run)} == {"done"}


def test_a_removal_that_was_interrupted_is_finished_by_the_same_plan(world):
    world.patients("a")
    world.written(Derived("a"))
    run, _ = world.planned(opted_out=["Patient/a"])

    def before(method, path, body):
        if method == "DELETE" and "/Observation/" in path:
            return Response(operation_outcome("exception", "out of luck"), 500, media_type=FHIR)
        return None

    world.sandbox.before = before
    assert "out of luck" in world.applied(run)["set_aside"][0]["why"]
    assert not world.stored("Provenance")
    world.sandbox.before = None
    assert world.applied(run)["removed"] == {"Observation": 1}
    assert not world.stored("Observation")
    assert world.undone(run)["set_aside"] == []
    assert len(world.stored("Provenance")) == len(world.stored("Observation")) == 1


def test_nothing_of_another_installation_is_removed(world):
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b"), installation="north", rung="observation")
    deleted(world, "b")
    _, told = world.planned(Derived("a"), installation="south", rung="observation")
    assert told["counts"]["remove"] == 0


def test_at_the_front_door_an_opt_out_takes_everything_of_ours_away(personalize, planted_sandbox):
    label = {"system": "http://hospital.example/labels", "code": "opt-out"}
    settings = f'[sources.planted]\nurl = "{planted_sandbox.url}"\nopt_out_tag = "{label["system"]}|{label["code"]}"\n'
    Path("personalize.toml").write_text(settings)
    words = ("run", "planted", "--as-of", "2026-07-01", "--apply", "--write", "patient", "--json")
    assert personalize(*words).code == 0
    patient = json.loads(planted_sandbox.store.read("Patient", "p01-quiet").body)
    assert "extension" in patient
    patient["meta"]["tag"] = [label]
    planted_sandbox.store.put(patient)
    told = personalize(*words).json
    assert told["plan"]["remove"] == 1
    assert (told["written"], told["removed"]) == ({"Patient": 1}, {"Provenance": 1, "Observation": 1})
    assert "extension" not in json.loads(planted_sandbox.store.read("Patient", "p01-quiet").body)


def test_at_the_front_door_a_deleted_patient_needs_the_flag(personalize, planted_sandbox):
    url, words = planted_sandbox.url, ("--as-of", "2026-07-01", "--apply", "--json")
    assert personalize("run", url, *words).code == 0
    planted_sandbox.store.commit([Write("Patient", "p01-quiet", None)])
    planted_sandbox.requests.clear()
    refused = personalize("run", url, *words)
    assert refused.code == 1
    assert "the plan removes 1 panels, and max_removals is 0" in refused.err
    assert "--max-removals 1" in refused.err
    assert planted_sandbox.writes == []
    allowed = personalize("apply", url, "--max-removals", "1", "--json")
    assert (allowed.code, allowed.json["removed"]) == (0, {"Provenance": 1, "Observation": 1})
    undone = personalize("undo", allowed.json["run"], "--json")
    assert undone.json["undone"] == {"Observation": 1, "Provenance": 1}
