"""Own writes never start work, a real edit of what we wrote does: judged on resources as a server gives them."""

import json

from derived_files import Derived
from fastapi import Response

from service.compose.canonical import INSTALLATION
from service.sandbox.outcome import operation_outcome
from service.write_back.echo import Echo


def echo(world, installation="local"):
    return Echo.of(world.catalog, world.source.id, world.source.url, installation)


def foreign(world):
    """What is work, of all that stands: by `Type/id`."""
    found = echo(world)
    return [
        reference
        for kind in ("Patient", "Observation", "Provenance", "Device")
        for reference in found.foreign(kind, world.stored(kind).values())
    ]


def edit(world, patient="a", **change):
    world.sandbox.store.put(json.dumps(world.patient(patient) | change, default=float).encode())


def test_what_we_wrote_is_no_work(world):
    world.patients("a", "b")
    assert foreign(world) == ["Patient/a", "Patient/b"]
    world.written(Derived("a"), Derived("b", level=None, level_absent="deceased"))
    assert foreign(world) == ["Patient/b"]


def test_a_real_edit_of_a_patient_that_we_wrote_is_work(world):
    world.patients("a")
    world.written(Derived("a"))
    edit(world, gender="female")
    assert foreign(world) == ["Patient/a"]
    world.written(Derived("a", level="enhanced"))
    assert foreign(world) == []


def test_what_an_undo_wrote_is_no_work_either(world):
    world.patients("a")
    run, _ = world.written(Derived("a"))
    world.undone(run)
    assert foreign(world) == []


def test_an_edit_that_an_undo_finds_is_work(world):
    world.patients("a")
    run, _ = world.written(Derived("a"))
    bare = world.patient("a")
    del bare["extension"]
    world.sandbox.store.put(json.dumps(bare | {"gender": "female"}, default=float).encode())
    world.undone(run)
    assert foreign(world) == ["Patient/a"]


def test_an_edit_between_a_lost_answer_and_its_reading_is_work(world):
    """The write arrived, its answer did not, and a clerk was faster than our reading."""
    world.patients("a")
    run, _ = world.planned(Derived("a"))
    state = {"lost": False}

    def before(method, path, body):
        if method == "GET" and path.startswith("/fhir/Patient/a") and state["lost"]:
            state["lost"] = False
            edit(world, gender="female")
        if method == "POST" and path == "/fhir" and b"Patient/a" in body and not state["lost"]:
            state["lost"] = True
            _apply_inside(world, body)
            return Response(operation_outcome("exception", "lost"), 502, media_type="application/fhir+json")
        return None

    world.sandbox.before = before
    world.applied(run)
    world.sandbox.before = None
    assert world.extension("a")
    assert world.patient("a")["gender"] == "female"
    assert foreign(world) == ["Patient/a"]


def _apply_inside(world, bundle):
    """What the server did before its answer was lost."""
    for entry in json.loads(bundle)["entry"]:
        resource = entry["resource"]
        if resource["resourceType"] != "Binary":
            world.sandbox.store.put(json.dumps(resource).encode())
        else:
            import base64

            (operation,) = [
                each for each in json.loads(base64.b64decode(resource["data"])) if each["op"] in ("add", "replace")
            ]
            value = operation["value"] if isinstance(operation["value"], list) else [operation["value"]]
            world.sandbox.store.put(json.dumps(world.patient("a") | {"extension": value}, default=float).encode())


def test_another_installations_resources_are_news_to_us(world):
    world.patients("a")
    world.written(Derived("a"), rung="observation", installation="north")
    panel = next(iter(world.stored("Observation").values()))
    assert INSTALLATION.encode() in panel
    assert echo(world, "north").is_own("Observation", panel)
    assert not echo(world, "south").is_own("Observation", panel)
