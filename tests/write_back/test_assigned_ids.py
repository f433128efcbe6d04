"""A server that gives ids itself: found again by our names, created once, undone like any other."""

import json
from contextlib import ExitStack

import httpx
import pytest
from derived_files import Derived

from service.sandbox import Faults, running

STATED, FOUND_OUT = 'no = ["update-create"]', 'claimed = ["update-create"]'


@pytest.fixture(params=[STATED, FOUND_OUT, 'no = ["update-create", "conditional-create", "transaction", "batch"]'])
def there(world, request):
    with ExitStack() as held:
        world.sandbox = held.enter_context(running(patients=0, faults=Faults.of(request.param)))
        world.source = world.source.model_copy(update={"url": world.sandbox.url})
        world.patients("a", "b")
        yield world


def both(level="enhanced"):
    return Derived("a", level=level), Derived("b", level=level)


def test_each_resource_is_created_once_and_refers_to_what_is_there(there):
    _, told = there.written(*both())
    assert told["written"] == {"Device": 1, "Observation": 2, "Provenance": 2, "Patient": 2}
    assert (told["rung"], told["set_aside"]) == ({"patient": 2}, [])
    panel = there.panel("Patient/a")
    assert not panel["id"].startswith("panel-")
    assert f"Device/{panel['device']['reference'].split('/')[1]}" in there.stored("Device")
    [named] = [part for part in there.extension("a")["extension"] if part["url"] == "profile"]
    assert named["valueReference"]["reference"] == f"Observation/{panel['id']}"
    targets = {json.loads(each)["target"][0]["reference"] for each in there.stored("Provenance").values()}
    assert targets == set(there.stored("Observation"))


def test_a_second_night_writes_nothing_from_a_fresh_catalog_too(there, tmp_path):
    from service.catalog import Catalog
    from service.lake import Lake

    there.written(*both())
    stood = there.sandbox.versions()
    assert there.written(*both())[1]["written"] == {}
    there.lake = Lake(tmp_path / "fresh").open()
    with Catalog.open(there.lake.catalog) as there.catalog:
        run, _ = there.planned(*both())
        assert [line["reasons"] for line in there.lines(run)[1] if line.get("reasons")] == []
        assert there.applied(run)["written"] == {}
    assert there.sandbox.versions() == stood


def test_a_changed_panel_is_a_new_version_of_the_same(there):
    there.written(*both())
    first = there.panel("Patient/a")["id"]
    _, told = there.written(*both("intensive"))
    assert told["written"] == {"Observation": 2, "Provenance": 2, "Patient": 2}
    assert there.panel("Patient/a")["id"] == first
    assert there.panel("Patient/a")["meta"]["versionId"] == "2"


def test_undo_leaves_nothing(there):
    before = there.everything()
    run, _ = there.written(*both())
    later, _ = there.written(*both("intensive"))
    for each in (later, run):
        assert there.undone(each)["set_aside"] == []
    assert there.everything() == before


def test_a_lost_answer_to_a_create_makes_no_second_resource(there):
    run, _ = there.planned(*both())
    lost = set()

    def before(method, path, body):
        kind = path.removeprefix("/fhir/")
        if method != "POST" or kind in lost or kind not in ("Device", "Observation", "Provenance"):
            return None
        lost.add(kind)
        httpx.post(f"{there.sandbox.url}/{kind}", content=body, headers={"Content-Type": "application/fhir+json"})
        from fastapi import Response

        return Response(status_code=502)

    there.sandbox.before = before
    told = there.applied(run)
    assert told["set_aside"] == []
    assert lost == {"Device", "Observation", "Provenance"}
    assert (len(there.stored("Observation")), len(there.stored("Provenance")), len(there.stored("Device"))) == (2, 2, 1)
    assert set(there.sandbox.versions().values()) == {1, 2}


def test_of_two_made_in_one_moment_the_older_stays(there):
    """Another machine without our catalog has just created the same panel: its search and ours both found nothing."""
    run, _ = there.planned(*both())
    made = []

    def before(method, path, body):
        if method == "POST" and path == "/fhir/Observation" and not made:
            made.append(body)
            httpx.post(
                f"{there.sandbox.url}/Observation", content=body, headers={"Content-Type": "application/fhir+json"}
            )

    there.sandbox.before = before
    told = there.applied(run)
    assert told["set_aside"] == []
    assert len(there.stored("Observation")) == 2
    assert set(there.stored("Observation")) == {
        json.loads(each)["target"][0]["reference"] for each in there.stored("Provenance").values()
    }


def test_who_opted_out_keeps_nothing(there):
    there.written(*both())
    _, told = there.written(Derived("a", level="enhanced"), opted_out=["Patient/b"])
    assert (told["removed"], told["set_aside"]) == ({"Provenance": 1, "Observation": 1}, [])
    [panel] = there.stored("Observation").values()
    assert json.loads(panel)["subject"]["reference"] == "Patient/a"
    [provenance] = there.stored("Provenance").values()
    assert json.loads(provenance)["target"][0]["reference"] == f"Observation/{json.loads(panel)['id']}"
    assert there.extension("b") is None
