"""Files of old runs go, what is needed stays; and a lake that was copied goes on where the copy was made."""

import json
import shutil
import sqlite3
import time

import pytest


@pytest.fixture
def hospital(personalize, sandbox, tmp_path):
    people = [{"resourceType": "Patient", "id": f"p{n}", "birthDate": "1970-01-01"} for n in range(3)]
    sandbox.store.load(json.dumps(each).encode() for each in people)
    (tmp_path / "personalize.toml").write_text(f'[sources.hospital]\nurl = "{sandbox.url}"\n')
    return sandbox


def files(folder):
    return sorted(str(each.relative_to(folder)) for each in folder.glob("lake/*/hospital/*"))


def day(number):
    return time.strftime("%Y-%m-%dT10:00:00Z", time.gmtime(time.time() - 86_400 * (number + 2)))


def ran(personalize, *words):
    said = personalize("run", "hospital", "--apply", "--json", *words)
    assert said.code == 0, said.err
    return said.json["run"]


def test_what_nothing_needs_any_more_goes_and_can_still_be_undone(personalize, hospital, tmp_path):
    first, second = ran(personalize), ran(personalize)
    (tmp_path / "one.txt").write_text("p1\n")
    third = ran(personalize, "--patients-from", "one.txt")
    before = files(tmp_path)
    assert personalize("retain", "hospital", "--days", 30, "--json").json == {"would_go": []}
    said = personalize("retain", "hospital", "--days", 0)
    assert "4 would go" in said.out
    assert files(tmp_path) == before
    assert personalize("retain", "hospital", "--days", 0, "--apply").code == 0
    left = {each.rsplit("/", 1)[1].removesuffix(".ndjson") for each in files(tmp_path)}
    assert left == {second, third}
    assert personalize("undo", first).code == 0
    assert not [each for each in hospital.versions() if each.startswith("Observation/")]


def test_a_source_that_was_never_read_whole_loses_nothing(personalize, hospital, tmp_path):
    ran(personalize, "--patient-limit", 1)
    before = files(tmp_path)
    assert personalize("retain", "hospital", "--days", 0, "--apply", "--json").json == {"removed": []}
    assert files(tmp_path) == before


def test_a_copied_lake_goes_on_where_the_copy_was_made(personalize, hospital, tmp_path):
    ran(personalize)
    copy = tmp_path / "copy"
    copy.mkdir()
    with sqlite3.connect(tmp_path / "lake" / "catalog.sqlite") as there, sqlite3.connect(copy / "catalog.sqlite") as to:
        there.backup(
            to
        )  # as `sqlite3 lake/catalog.sqlite ".backup copy/catalog.sqlite"`, which may be done at any time
    without = shutil.ignore_patterns("catalog.sqlite*", "locks", "spill", "served", "*.part")
    shutil.copytree(tmp_path / "lake", copy, ignore=without, dirs_exist_ok=True)
    before = hospital.versions()
    shutil.rmtree(tmp_path / "lake")
    shutil.copytree(copy, tmp_path / "lake")
    said = personalize("run", "hospital", "--apply", "--json")
    assert said.code == 0, said.err
    assert said.json["written"] == {}
    assert hospital.versions() == before
    assert personalize("undo", min(each.name for each in (tmp_path / "lake/raw/hospital").iterdir())).code == 0
    assert not [each for each in hospital.versions() if each.startswith("Observation/")]


def came(sandbox, numbers):
    for number in numbers:
        visit = {
            "resourceType": "Encounter",
            "id": f"e{number}",
            "status": "finished",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"},
            "subject": {"reference": "Patient/p1"},
            "period": {"start": day(number), "end": day(number)},
        }
        sandbox.store.load([json.dumps(visit).encode()])


def panels(sandbox):
    return {name: version for name, version in sandbox.versions().items() if name.startswith("Observation/")}


def test_what_was_written_after_the_copy_stands_and_is_held_where_it_would_be_another(personalize, hospital, tmp_path):
    ran(personalize)
    shutil.copytree(tmp_path / "lake", tmp_path / "copy")
    came(hospital, range(8))
    ran(personalize)
    assert 2 in panels(hospital).values()
    shutil.rmtree(tmp_path / "lake")
    shutil.copytree(tmp_path / "copy", tmp_path / "lake")
    before = panels(hospital)
    assert "all of it stands there already" in personalize("run", "hospital", "--apply").out
    came(hospital, range(8, 20))
    assert "edited by hand" in personalize("run", "hospital", "--apply").out
    assert panels(hospital) == before
