"""Two installations, or two versions of the algorithm, on one server: neither overwrites nor undoes the other."""

import pytest
from derived_files import Derived

from service.catalog import Catalog
from service.compose.identity import Identity
from service.lake import Lake


@pytest.fixture
def other(world, tmp_path):
    """Another hospital's service at the same server, with a lake of its own."""
    lake = Lake(tmp_path / "other").open()
    with Catalog.open(lake.catalog) as catalog:
        yield type(world)(lake, catalog, world.source, world.nights, world.sandbox)


def tagged(world, installation):
    return {name: each for name, each in world.everything().items() if f"'{installation}'" in str(each["meta"])}


def test_two_installations_keep_their_own(world, other):
    world.patients("a")
    world.written(Derived("a"), installation="north")
    stood = tagged(world, "north")
    _, told = other.written(Derived("a", level="intensive"), installation="south")
    assert told["written"]["Observation"] == 1
    assert tagged(world, "north") == stood
    assert len(tagged(world, "south")) == len(stood) == 3


def test_the_patient_bears_the_first_ones_and_the_second_says_so(world, other):
    world.patients("a")
    world.written(Derived("a"), installation="north")
    bears = world.extension("a")
    _, told = other.planned(Derived("a", level="intensive"), installation="south")
    assert any("it bears the profile of another installation" in line for line in told["listed"])
    other.written(Derived("a", level="intensive"), installation="south")
    assert world.extension("a") == bears


@pytest.mark.parametrize("first", ["north", "south"])
def test_undoing_one_leaves_the_other(world, other, first):
    world.patients("a")
    bare = world.everything()
    north, _ = world.written(Derived("a"), installation="north")
    south, _ = other.written(Derived("a", level="intensive"), installation="south")
    undone = {"north": lambda: world.undone(north), "south": lambda: other.undone(south)}
    kept = "south" if first == "north" else "north"
    before = tagged(world, kept)
    assert undone[first]()["set_aside"] == []
    assert tagged(world, first) == {}
    assert tagged(world, kept) == before
    assert undone[kept]()["set_aside"] == []
    assert world.everything() == bare


@pytest.fixture
def version(monkeypatch):
    return lambda number: monkeypatch.setattr("service.__version__", number)


def by(world, number, patient="a"):
    """The panel of that major version, None where none stands."""
    identity = Identity.of("local", world.source.id, number)
    found = [each for each in world.everything() if each == f"Observation/{identity.panel(f'Patient/{patient}')}"]
    return world.everything()[found[0]] if found else None


def test_an_older_version_does_not_overwrite_a_newer_one(world, version):
    world.patients("a")
    version("1.2.0")
    world.written(Derived("a"))
    stood = world.everything()
    version("1.1.9")
    run, told = world.planned(Derived("a", level="intensive"))
    assert told["listed"] == ["Patient/a held: Observation: a profile by the newer algorithm 1.2.0 stands: left alone"]
    world.applied(run)
    assert world.everything() == stood


def test_an_older_plan_applied_after_a_newer_version_has_written_leaves_that(world, version):
    world.patients("a")
    version("1.1.9")
    older, _ = world.planned(Derived("a", level="intensive"))
    version("1.2.0")
    world.written(Derived("a"))
    stood = world.everything()
    version("1.1.9")
    assert "by the newer algorithm 1.2.0" in world.applied(older)["set_aside"][0]["why"]
    assert {k: v for k, v in world.everything().items() if not k.startswith("Device")} == {
        k: v for k, v in stood.items() if not k.startswith("Device")
    }


def test_a_new_major_version_is_preliminary_beside_the_old_and_compared(world, version):
    world.patients("a", "b")
    version("0.9.0")
    world.written(Derived("a"), Derived("b"))
    old, bears = by(world, "0.9.0"), world.extension("a")
    version("1.0.0")
    run, planned = world.planned(Derived("a", level="intensive"), Derived("b"))
    assert "1 of 2 levels differ" in " ".join(planned["notes"])
    told = {line["patient"]: line["reasons"] for line in world.lines(run)[1]}
    assert "algorithm 0 says standard" in told["Patient/a"]
    assert not any("algorithm 0" in reason for reason in told["Patient/b"])
    world.written(Derived("a", level="intensive"), Derived("b"))
    assert by(world, "0.9.0") == old
    assert by(world, "1.0.0")["status"] == "preliminary"
    assert world.extension("a") == bears


def test_once_its_owner_chose_it_the_new_version_replaces_the_old(world, version):
    world.patients("a")
    version("0.9.0")
    world.written(Derived("a"))
    before = world.everything()
    version("1.0.0")
    world.written(Derived("a", level="intensive"))
    beside = world.everything()
    world.source = world.source.model_copy(update={"algorithm": 1})
    run, _ = world.written(Derived("a", level="intensive"))
    assert by(world, "1.0.0")["status"] == "final"
    assert by(world, "0.9.0") is None
    assert "intensive" in str(world.extension("a"))
    assert world.undone(run)["set_aside"] == []
    assert world.everything() == beside
    assert by(world, "0.9.0") == before[f"Observation/{by(world, '0.9.0')['id']}"]


def test_an_old_version_still_running_is_preliminary_beside_the_one_that_counts(world, version):
    world.patients("a", "b")
    version("1.0.0")
    world.written(Derived("a"))
    version("0.9.0")
    world.written(Derived("a", level="intensive"), Derived("b"))
    assert by(world, "1.0.0")["status"] == "final"
    assert by(world, "0.9.0")["status"] == by(world, "0.9.0", "b")["status"] == "preliminary"
    assert "standard" in str(world.extension("a"))


def test_a_first_installation_of_any_version_counts_at_once(world, version):
    world.patients("a")
    version("3.0.0")
    world.written(Derived("a"))
    assert by(world, "3.0.0")["status"] == "final"
    assert world.extension("a")


def test_an_older_version_leaves_the_device_of_a_newer_one(world, version):
    world.patients("a", "b")
    version("1.2.0")
    world.written(Derived("a"))
    version("1.1.9")
    _, told = world.written(Derived("a"), Derived("b"))
    assert told["written"] == {"Observation": 1, "Provenance": 1, "Patient": 1}
    assert [each["version"][0]["value"] for each in world.everything().values() if "deviceName" in each] == ["1.2.0"]
