"""A plan file that somebody changed on its way from `plan` to `apply`: nothing of it is sent."""

import json

import pytest
from derived_files import Derived

from service.errors import WriteRefused
from service.write_back.plan_file import digest_of


def changed(world, run, change):
    """The plan with its first line changed, by a program that is careful about everything else."""
    file = world.lake.plan(run.source, run.run)
    header, line, *rest = file.read_bytes().splitlines()
    planned = json.loads(line)
    change(planned)
    file.write_bytes(b"\n".join([header, json.dumps(planned).encode(), *rest, b""]))
    return file


def test_a_plan_changed_since_it_was_made_is_refused(world):
    world.patients("a")
    run, _ = world.planned(Derived("a"))
    changed(world, run, lambda line: line["observation"].update(status="cancelled"))
    with pytest.raises(WriteRefused, match=r"changed since it was made.*Plan again"):
        world.applied(run)
    assert world.sandbox.writes == []


def another_name(line):
    line["observation"]["id"] = "somebody-elses"


def another_type(line):
    line["observation"]["resourceType"] = "MedicationRequest"


def another_patient(line):
    line["observation"]["subject"]["reference"] = "Patient/b"


def no_tag(line):
    del line["observation"]["meta"]["tag"]


def another_provenance(line):
    line["provenance"]["id"] = "provenance-1"


def another_extension(line):
    line["extension"]["after"]["extension"]["url"] = "https://example.org/other"


def a_whole_other_patient(line):
    line["patient"] = "Patient/b"


@pytest.mark.parametrize(
    "change",
    [
        another_name,
        another_type,
        another_patient,
        no_tag,
        another_provenance,
        another_extension,
        a_whole_other_patient,
    ],
)
def test_even_with_the_digest_made_to_fit_only_our_own_resources_are_sent(world, change):
    world.patients("a", "b")
    run, _ = world.planned(Derived("a"))
    world.catalog.planned(run.run, digest_of(changed(world, run, change)))
    stood = world.stored("Patient")
    with pytest.raises(WriteRefused, match="not this installation's own"):
        world.applied(run)
    assert not world.stored("Observation")
    assert world.stored("Patient") == stood


def test_a_plan_of_another_installation_is_refused(world):
    world.patients("a")
    run, _ = world.planned(Derived("a"))
    file = world.lake.plan(run.source, run.run)
    file.write_bytes(file.read_bytes().replace(b'"installation":"local"', b'"installation":"other"', 1))
    world.catalog.planned(run.run, digest_of(file))
    with pytest.raises(WriteRefused, match="another run"):
        world.applied(run)
    assert world.sandbox.writes == []
