"""What a person did to our panel, or to the extension on a Patient, is that person's decision: left alone, and told."""

import json

import pytest
from derived_files import Derived

from service.catalog import Catalog
from service.lake import Lake


def edited(world, old, new):
    """Our panel as somebody's own client puts it."""
    [(reference, body)] = world.stored("Observation").items()
    assert old in body
    world.sandbox.store.put(body.replace(old, new))
    return reference


def without_extension(world):
    patient = world.patient("a")
    del patient["extension"]
    world.sandbox.store.put(json.dumps(patient, default=float).encode())


@pytest.fixture
def fresh(world, tmp_path):
    """The same server seen from a lake that remembers nothing."""
    lake = Lake(tmp_path / "fresh").open()
    with Catalog.open(lake.catalog) as catalog:
        yield type(world)(lake, catalog, world.source, world.nights, world.sandbox)


@pytest.mark.parametrize("level", ["standard", "enhanced"])
@pytest.mark.parametrize("change", [b'"status":"preliminary"', b'"note":[{"text":"seen"}],"status":"final"'])
def test_an_edited_panel_is_held(world, change, level):
    world.patients("a")
    world.written(Derived("a"))
    edited(world, b'"status":"final"', change)
    stood = world.everything()
    run, told = world.planned(Derived("a", level=level))
    assert (told["counts"]["update"], told["patients"], told["held"]) == (0, 0, 1)
    assert told["listed"] == ["Patient/a held: Observation: edited by hand since: left alone"]
    assert world.applied(run)["written"] == {}
    assert world.everything() == stood


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_a_panel_that_somebody_took_out_of_use_stays_so_whoever_looks(world, fresh, status):
    world.patients("a")
    world.written(Derived("a"))
    edited(world, b'"final"', f'"{status}"'.encode())
    for lake in (world, fresh):
        run, told = lake.planned(Derived("a", level="enhanced"))
        assert told["listed"] == [f"Patient/a held: Observation: somebody made it {status}: left alone"]
        lake.applied(run)
    assert world.panel("Patient/a")["status"] == status


def test_a_fresh_lake_updates_what_an_earlier_version_wrote(world, fresh):
    world.patients("a")
    world.written(Derived("a"))
    _, told = fresh.written(Derived("a"), policy="2")
    assert told["written"] == {"Observation": 1, "Provenance": 1, "Patient": 1}


def test_what_an_undo_restored_is_ours(world):
    world.patients("a")
    world.written(Derived("a"))
    run, _ = world.written(Derived("a", level="enhanced"))
    world.undone(run)
    _, told = world.written(Derived("a", level="intensive"))
    assert told["written"] == {"Observation": 1, "Provenance": 1, "Patient": 1}


def test_a_write_whose_record_was_lost_is_ours(world):
    world.patients("a")
    world.written(Derived("a"))
    run, _ = world.written(Derived("a", level="enhanced"))
    world.catalog.settle((write.id, "intended", None) for write in world.catalog.writes(run.run, "Patient/a"))
    _, told = world.planned(Derived("a", level="intensive"))
    assert (told["counts"]["update"], told["held"]) == (1, 0)


def test_an_edit_between_plan_and_write_is_held(world):
    world.patients("a")
    world.written(Derived("a"))
    run, _ = world.planned(Derived("a", level="enhanced"))
    edited(world, b'"final"', b'"amended"')
    told = world.applied(run)
    assert "edited by hand since" in told["set_aside"][0]["why"]
    assert world.panel("Patient/a")["status"] == "amended"


def test_an_edit_between_a_fresh_lakes_plan_and_write_is_held(world, fresh):
    world.patients("a")
    world.written(Derived("a"))
    run, _ = fresh.planned(Derived("a", level="enhanced"))
    edited(world, b'"final"', b'"amended"')
    assert "edited by hand since" in fresh.applied(run)["set_aside"][0]["why"]
    assert world.panel("Patient/a")["status"] == "amended"


def test_the_same_plan_applied_again_does_not_revert_an_edit(world):
    world.patients("a")
    run, _ = world.written(Derived("a"))
    edited(world, b'"final"', b'"amended"')
    assert "edited by hand since" in world.applied(run)["set_aside"][0]["why"]
    assert world.panel("Patient/a")["status"] == "amended"


def test_an_extension_taken_off_by_hand_stays_off(world):
    world.patients("a")
    world.written(Derived("a"))
    without_extension(world)
    run, told = world.planned(Derived("a", level="enhanced"))
    assert (told["counts"]["update"], told["patients"], told["held"]) == (1, 0, 1)
    assert "Patient: taken off by hand since: left alone" in told["listed"][0]
    world.applied(run)
    assert world.extension("a") is None


def test_an_extension_changed_by_hand_stays_as_it_is(world):
    world.patients("a")
    world.written(Derived("a"))
    body = world.sandbox.store.read("Patient", "a").body
    world.sandbox.store.put(body.replace(b'"valueCode":"standard"', b'"valueCode":"intensive"'))
    _, told = world.planned(Derived("a", level="enhanced"))
    assert "Patient: edited by hand since: left alone" in told["listed"][0]


def test_an_extension_taken_off_between_plan_and_write_stays_off(world):
    world.patients("a")
    world.written(Derived("a"))
    run, _ = world.planned(Derived("a", level="enhanced"))
    without_extension(world)
    assert "taken off by hand since" in world.applied(run)["set_aside"][0]["why"]
    assert world.extension("a") is None


def test_an_extension_that_we_took_off_ourselves_comes_back_with_a_level(world):
    world.patients("a")
    world.written(Derived("a"))
    world.written(Derived("a", level=None, level_absent="too-little-data"))
    _, told = world.written(Derived("a"))
    assert told["written"]["Patient"] == 1
