"""What stands is read as far as it changed since, and whole whenever a count, a flag or a lost file asks for it."""

import datetime as dt
import json

import pytest
from derived_files import Derived
from fastapi import Response

from service.sandbox.outcome import operation_outcome

IDS = [f"p{n:02}" for n in range(12)]


@pytest.fixture
def world(world, monkeypatch):
    """Nothing is asked for again by the overlap, which would hide in seconds what it shows in minutes."""
    monkeypatch.setattr("service.write_back.stood.OVERLAP", dt.timedelta(seconds=-2))
    world.patients(*IDS)
    world.written(*everybody(), rung="observation")
    later(world)
    world.planned(*everybody(), rung="observation")
    later(world)
    return world


def everybody(**changed):
    return [Derived(each, **changed.get(each, {})) for each in IDS]


def later(world):
    """The server's clock goes on, so that what comes is after what was read."""
    clock = world.sandbox.store._clock
    world.sandbox.store._clock = lambda: clock() + 10


def asked(world):
    """The searches for panels."""
    return [each.path for each in world.sandbox.requests if each.path.startswith("/fhir/Observation?")]


def planned(world, *derived, **how):
    world.sandbox.requests.clear()
    return world.planned(*(derived or everybody()), rung="observation", **how)[1]["counts"]


def test_nothing_changed_is_one_search_and_one_count(world):
    assert planned(world) == {"create": 0, "update": 0, "unchanged": 12, "remove": 0}
    searches = asked(world)
    assert len(searches) == 2
    assert "_lastUpdated=ge" in searches[0]
    assert "_summary=count" in searches[1]


def test_what_differs_is_read_by_its_id(world):
    assert planned(world, *everybody(p03={"level": "enhanced"}))["update"] == 1
    assert [path.split("?")[1].split("=")[0] for path in asked(world)][2:] == ["_id"]


def test_what_somebody_changed_is_seen(world):
    body = json.dumps(world.panel("Patient/p03") | {"note": [{"text": "seen"}]}, default=float)
    world.sandbox.store.put(body.encode())
    _, told = world.planned(*everybody(p03={"level": "enhanced"}), rung="observation")
    assert told["listed"] == ["Patient/p03 held: Observation: edited by hand since: left alone"]


def test_what_somebody_deleted_is_created_again(world):
    [reference] = [ref for ref, body in world.stored("Observation").items() if b"Patient/p03" in body]
    world.talk(lambda server: server.write("DELETE", reference))
    assert planned(world) == {"create": 1, "update": 0, "unchanged": 11, "remove": 0}
    assert "_lastUpdated" not in asked(world)[2]


def test_a_deletion_that_a_creation_makes_up_for_is_seen_all_the_same(world):
    """The count is as it was; what was created in between shows that one must be gone."""
    body = world.panel("Patient/p03")
    world.talk(lambda server: server.write("DELETE", f"Observation/{body['id']}"))
    world.sandbox.store.put(
        json.dumps(body | {"id": "another", "subject": {"reference": "Patient/q"}}, default=float).encode()
    )
    assert planned(world)["create"] == 1


def test_full_reads_everything(world):
    assert planned(world, full=True)["unchanged"] == 12
    assert not any("_lastUpdated" in each or "_summary" in each for each in asked(world))


@pytest.mark.parametrize("damage", ["lost", "damaged", "of another server"])
def test_a_lost_file_costs_one_full_reading(world, damage):
    [kept] = (world.lake.root / "standing").glob("*.ndjson")
    if damage == "lost":
        kept.unlink()
    elif damage == "damaged":
        kept.write_bytes(kept.read_bytes()[:-40])
    else:
        kept.write_bytes(kept.read_bytes().replace(b"127.0.0.1", b"127.0.0.2", 1))
    assert planned(world)["unchanged"] == 12
    assert "_lastUpdated" not in asked(world)[0]
    planned(world)
    assert "_lastUpdated" in asked(world)[0]


@pytest.mark.parametrize("refused", ["_lastUpdated", "_summary=count"])
def test_a_server_that_cannot_be_asked_like_that_is_read_whole(world, refused):
    def before(method, path, body):
        if refused in path:
            return Response(operation_outcome("not-supported", "no"), 400, media_type="application/fhir+json")
        return None

    world.sandbox.before = before
    assert planned(world)["unchanged"] == 12


def test_a_server_that_does_not_say_when_something_changed_is_always_read_whole(world):
    [kept] = (world.lake.root / "standing").glob("*.ndjson")
    kept.unlink()
    panels = [json.loads(body) for body in world.stored("Observation").values()]
    for panel in panels:
        del panel["meta"]["lastUpdated"]
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": each} for each in panels]}

    def before(method, path, body):
        if path.startswith("/fhir/Observation?_tag"):
            return Response(json.dumps(bundle).encode(), 200, media_type="application/fhir+json")
        return None

    world.sandbox.before = before
    assert planned(world)["unchanged"] == 12
    assert not kept.exists()


def test_the_kept_file_is_private_and_holds_no_content(world):
    [kept] = (world.lake.root / "standing").glob("*.ndjson")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert b"component" not in kept.read_bytes()


def test_a_limited_pull_keeps_nothing(world):
    [kept] = (world.lake.root / "standing").glob("*.ndjson")
    before = kept.read_bytes()
    world.planned(*everybody(), rung="observation", limited=True)
    assert kept.read_bytes() == before


@pytest.fixture
def written(world, monkeypatch):
    """A night in which everybody moved, before the next plan."""
    monkeypatch.setattr("service.write_back.stood.OVERLAP", dt.timedelta(seconds=120))
    world.written(*moved(), rung="observation")
    world.sandbox.requests.clear()
    return world


def moved(**changed):
    return [Derived(each, **{"level": "intensive", **changed.get(each, {})}) for each in IDS]


def test_what_our_own_writes_made_is_asked_for_by_its_version_alone(written):
    assert planned(written, *moved()) == {"create": 0, "update": 0, "unchanged": 12, "remove": 0}
    assert ["_elements=id%2Cmeta" in each or "_summary=count" in each for each in asked(written)] == [True, True]


def test_so_the_panels_of_a_first_night_are_not_read_back(world):
    world.patients("new")
    everyone = [*everybody(), Derived("new")]
    world.written(*everyone, rung="observation")
    assert planned(world, *everyone)["unchanged"] == 13
    assert not any("_id=" in each for each in asked(world))


def test_what_somebody_changed_after_our_write_is_read_by_its_id(written):
    body = json.dumps(written.panel("Patient/p03") | {"note": [{"text": "seen"}]}, default=float)
    written.sandbox.store.put(body.encode())
    _, told = written.planned(*moved(), rung="observation")
    assert told["listed"] == ["Patient/p03 held: Observation: edited by hand since: left alone"]


def test_what_was_undone_after_our_write_is_read_by_its_id(written):
    run, _ = written.written(*moved(p05={"level": "enhanced"}), rung="observation")
    written.undone(run)
    assert planned(written, *moved()) == {"create": 0, "update": 0, "unchanged": 12, "remove": 0}


@pytest.mark.parametrize("habit", ["whole", "refused"])
def test_a_server_that_gives_no_parts_is_read_whole_as_far_as_it_changed(written, habit):
    def before(method, path, body):
        if "_elements" not in path:
            return None
        if habit == "refused":
            return Response(operation_outcome("not-supported", "no"), 400, media_type="application/fhir+json")
        entries = [{"resource": json.loads(each)} for each in written.stored("Observation").values()]
        bundle = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
        return Response(json.dumps(bundle).encode(), 200, media_type="application/fhir+json")

    written.sandbox.before = before
    assert planned(written, *moved())["unchanged"] == 12
    assert not any("_id=" in each for each in asked(written))


@pytest.mark.parametrize("damage", ["lost", "cut off", "of another run"])
def test_without_what_was_meant_everything_is_read(written, damage):
    [kept] = (written.lake.root / "standing").glob("*.meant")
    if damage == "lost":
        kept.unlink()
    elif damage == "cut off":
        kept.write_bytes(kept.read_bytes()[:-200])
    else:
        kept.write_bytes(b'{"form":1,"run":"another"}\n' + kept.read_bytes().partition(b"\n")[2])
    assert planned(written, *moved())["unchanged"] == 12
