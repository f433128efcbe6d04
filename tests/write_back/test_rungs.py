"""What a server takes, and what it only says that it takes: the rung that is written on, and who is told."""

import json

import pytest
from derived_files import AS_OF, Derived

from service.sandbox import Faults, running
from service.write_back.ladder import STANDS_IN

LIES = '[[fault]]\ndo = "lie-200"\nmethod = "{method}"\npath = "{path}"\nbody = "{body}"\n'


@pytest.fixture
def on(world, tmp_path):
    """The same world on a server that goes wrong: on('without = ["Observation"]')."""
    from contextlib import ExitStack

    with ExitStack() as held:

        def elsewhere(toml):
            world.sandbox = held.enter_context(running(patients=0, faults=Faults.of(toml)))
            world.source = world.source.model_copy(update={"url": world.sandbox.url})
            world.patients("a", "b")
            return world

        yield elsewhere


def both(level="enhanced", **more):
    return Derived("a", level=level, **more), Derived("b", level=level, **more)


def flags(world):
    return [json.loads(body) for body in world.stored("Flag").values()]


@pytest.mark.parametrize(
    ("toml", "rung", "why"),
    [
        ("", "patient", None),
        ('without = ["Observation"]', "flag", "it states no update or create of Observation"),
        ('without = ["Device"]', "flag", "Device"),
        ('without = ["Observation", "Flag"]', "document", "Observation"),
    ],
)
def test_by_statement_the_plan_takes_the_highest_rung(on, toml, rung, why):
    world = on(toml)
    run, planned = world.planned(*both())
    assert world.lines(run)[0]["rung"] == rung
    assert any(why in note and f"as {rung}, not patient" in note for note in planned["notes"]) == bool(why)
    told = world.applied(run)
    assert told["rung"] == {rung: 2}
    assert told["set_aside"] == []
    assert len(world.stored(STANDS_IN[rung])) == 2


def test_nothing_is_planned_for_a_server_that_takes_nothing(on):
    world = on('without = ["Observation", "Flag", "DocumentReference"]')
    run, planned = world.planned(*both())
    assert world.lines(run)[0]["rung"] == "none"
    assert "as none, not patient: it states no update or create of Observation" in planned["notes"][0]
    assert world.applied(run)["written"] == {}
    assert world.sandbox.writes == []


@pytest.mark.parametrize("rung", ["flag", "document"])
def test_the_owner_may_choose_a_lower_rung(on, rung):
    world = on("")
    before = world.everything()
    run, told = world.written(*both(), rung=rung)
    assert told["rung"] == {rung: 2}
    assert not world.stored("Observation")
    stood = world.sandbox.versions()
    assert world.written(*both(), rung=rung)[1]["written"] == {}
    assert world.sandbox.versions() == stood
    _, told = world.written(*both("intensive"), rung=rung)
    assert told["written"] == {STANDS_IN[rung]: 2, "Provenance": 2}
    later = [run for run in world.catalog.runs_standing(world.source.id, world.source.url) if run > run[:0]]
    for name in reversed(later):
        assert world.undone(world.catalog.run(name))["set_aside"] == []
    assert world.everything() == before
    assert run.run in later


def test_a_flag_is_neutral_and_ends(on):
    world = on("")
    world.written(Derived("a", level="intensive", pathways=["financial-navigation"]), rung="flag")
    [flag] = flags(world)
    assert (flag["status"], flag["code"]["text"]) == ("active", "Care level: intensive")
    assert flag["period"]["start"].startswith(AS_OF.date().isoformat())
    assert "2026-09-29" in flag["period"]["end"]
    assert "financial" not in json.dumps(flag)


@pytest.mark.parametrize("rung", ["flag", "document"])
@pytest.mark.parametrize("level", ["enhanced", None])
def test_what_stands_in_is_valid_fhir(on, rung, level):
    from fhir.resources.R4B import get_fhir_model_class

    world = on("")
    world.written(Derived("a"), rung=rung)
    world.written(Derived("a", level=level, level_absent=None if level else "deceased"), rung=rung)
    for body in [*world.stored(STANDS_IN[rung]).values(), *world.stored("Provenance").values()]:
        get_fhir_model_class(json.loads(body)["resourceType"]).model_validate_json(body)


def test_without_a_level_no_flag_is_made_and_one_that_stands_ends(on):
    world = on("")
    assert world.written(*both(None, level_absent="too-little-data"), rung="flag")[1]["written"] == {}
    world.written(*both(), rung="flag")
    world.written(*both(None, level_absent="too-little-data"), rung="flag")
    assert {flag["status"] for flag in flags(world)} == {"inactive"}


def test_a_document_holds_the_panel_to_the_letter(on):
    import base64

    world = on("")
    world.written(Derived("a"), rung="document")
    [document] = [json.loads(body) for body in world.stored("DocumentReference").values()]
    held = json.loads(base64.b64decode(document["content"][0]["attachment"]["data"]))
    assert held["resourceType"] == "Observation"
    assert held["subject"] == document["subject"] == {"reference": "Patient/a"}
    assert document["content"][0]["attachment"]["contentType"] == "application/fhir+json"


def test_what_was_edited_by_hand_is_held_on_every_rung(on):
    world = on("")
    world.written(Derived("a"), rung="flag")
    [flag] = flags(world)
    world.sandbox.store.put({**flag, "status": "inactive"})
    run, _ = world.planned(Derived("a", level="intensive"), rung="flag")
    assert world.lines(run)[1][0]["held"] == ["Flag: somebody made it inactive: left alone"]


@pytest.mark.parametrize(
    ("lied_about", "rung", "note"),
    [
        ("Observation", "flag", "written as flag, not patient: it takes no Observation"),
        ("Patient", "observation", "written as observation, not patient: it takes no Patient"),
        ("Device", "flag", "written as flag, not patient: it takes no Device"),
    ],
)
def test_a_server_that_answers_200_and_changes_nothing_is_found_out(on, lied_about, rung, note):
    lie = LIES.format(method="PUT|PATCH", path=f"^{lied_about}/", body="")
    world = on(f'no = ["transaction", "batch"]\n{lie}')
    run, told = world.written(*both())
    assert told["rung"] == {rung: 2}
    assert any(note in each and "nothing changed" in each for each in told["notes"])
    assert (told["set_aside"], told["unwritten"]) == ([], 0)
    assert len(world.stored(STANDS_IN[rung])) == 2
    assert len([each for each in world.sandbox.writes if each.path.startswith(f"/fhir/{lied_about}/")]) <= 2
    run, planned = world.planned(*both("intensive"))
    assert world.lines(run)[0]["rung"] == rung
    assert any(f"as {rung}, not patient" in each for each in planned["notes"])


def test_a_lie_inside_a_transaction_is_found_out_too(on):
    world = on(LIES.format(method="POST", path="^$", body="Observation/panel"))
    _, told = world.written(*both(), rung="observation")
    assert told["rung"] == {"flag": 2}
    assert not world.stored("Observation")


def test_a_type_that_is_stated_and_refused_goes_down_a_rung(on):
    world = on(
        'no = ["transaction", "batch"]\n[[fault]]\ndo = "status"\nstatus = 501\nmethod = "PUT"\npath = "^Observation/"'
    )
    _, told = world.written(*both())
    assert told["rung"] == {"flag": 2}


def test_three_refusals_before_anybody_was_taken_are_not_about_patients(on):
    world = on('[[fault]]\ndo = "status"\nstatus = 422\nmethod = "POST"\npath = "^$"\nbody = "Observation/panel"')
    ids = [f"p{n}" for n in range(6)]
    world.patients(*ids)
    _, told = world.written(*(Derived(each, level="enhanced") for each in ids), rung="observation")
    assert told["rung"] == {"flag": 6}
    assert told["set_aside"] == []


def test_a_server_without_provenance_gets_panels_all_the_same(on):
    world = on('without = ["Provenance"]')
    _, told = world.written(*both(), rung="observation")
    assert told["written"] == {"Device": 1, "Observation": 2}
    assert told["rung"] == {"observation": 2}


def test_where_if_match_is_ignored_no_patient_is_touched(on):
    world = on('no = ["if-match"]')
    stood = world.stored("Patient")
    _, told = world.written(*both())
    assert told["rung"] == {"observation": 2}
    assert any("it ignores If-Match" in note for note in told["notes"])
    assert world.stored("Patient") == stood


def test_a_probe_is_made_on_our_own_device_alone_and_once_a_month(on):
    world = on("")
    world.written(*both())
    refused = [each for each in world.sandbox.writes if each.status >= 300]
    assert [(each.method, each.path.split("/")[2], each.status) for each in refused] == [("PUT", "Device", 412)]
    world.sandbox.requests.clear()
    world.written(*both("intensive"))
    assert [each for each in world.sandbox.writes if each.status >= 300] == []


@pytest.mark.parametrize(
    "toml", ["", 'no = ["transaction"]', 'no = ["transaction", "batch"]', 'claimed = ["patch"]', 'no = ["patch"]']
)
def test_a_patient_is_patched_where_that_is_stated_and_loses_no_digit_by_it(on, toml):
    """Patient a holds 100.00, which some servers give back as 100.0 after a patch: that one is put as a whole."""
    world = on(toml)
    world.sandbox.store.put({"resourceType": "Patient", "id": "b", "extension": [{"url": "u:1", "valueCode": "1.5"}]})
    bare, methods = world.everything(), {}
    world.sandbox.before = lambda *request: noted(methods, *request)
    run, told = world.written(*both())
    assert (told["rung"], told["set_aside"]) == ({"patient": 2}, [])
    assert b'"x-unknown":{"amount":100.00}' in world.stored("Patient")["Patient/a"]
    assert methods["Patient/a"] == ["PUT"]
    assert methods["Patient/b"][-1] == ("PUT" if "patch" in toml else "PATCH")
    assert world.undone(run)["set_aside"] == []
    assert world.everything() == bare


def noted(methods, method, path, body):
    """How each Patient was asked to change, alone or inside a Bundle."""
    asked = [(method, path.removeprefix("/fhir/"))]
    if (method, path) == ("POST", "/fhir"):
        requests = [entry["request"] for entry in json.loads(body)["entry"]]
        asked = [(each["method"], each["url"]) for each in requests]
    for how, what in asked:
        if what.startswith("Patient/") and how != "GET":
            methods.setdefault(what, []).append(how)


def test_a_patch_meets_an_edit_in_between(on):
    world = on('no = ["transaction", "batch"]')
    run, _ = world.planned(*both())
    world.sandbox.store.put({**world.patient("a"), "gender": "female"})
    assert world.applied(run)["rung"] == {"patient": 2}
    assert world.patient("a")["gender"] == "female"
    assert world.extension("a")
