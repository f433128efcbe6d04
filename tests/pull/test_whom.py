"""A pull of some patients: so many, those in a file, the active members of a Group; and of nobody else."""

import io

import pytest

from service.sandbox import Faults
from service.sandbox.parameters import SEARCH, Parameter

from .conftest import patient, visit


def patients(hospital):
    return {line["id"] for line in hospital.lines("Patient")}


def group(key, *members):
    entities = [{"entity": {"reference": reference}, **more} for reference, more in members]
    return {"resourceType": "Group", "id": key, "type": "person", "actual": True, "member": entities}


def test_the_active_members_of_a_group_are_read_and_nobody_else(hospital):
    hospital.put(
        group("g", ("Patient/p1", {}), ("Patient/p2", {"inactive": True}), ("Patient/p3/_history/1", {})),
    )
    said = hospital.pull("--group", "g")
    assert said.code == 0, said.err
    assert patients(hospital) == {"p1", "p3"}
    assert {line["subject"]["reference"] for line in hospital.lines("Encounter")} == {"Patient/p1", "Patient/p3"}
    assert hospital.manifest["limited"]


def test_a_group_of_groups_is_read_once_though_they_name_each_other(hospital):
    hospital.put(
        group("outer", ("Group/inner", {}), ("Patient/p1", {})),
        group("inner", ("Group/outer", {}), (f"{hospital.url}/Patient/p2", {})),
    )
    assert hospital.pull("--group", "Group/outer").code == 0
    assert patients(hospital) == {"p1", "p2"}


def test_a_member_who_is_no_patient_of_the_server_is_set_aside(hospital):
    hospital.put(group("g", ("Patient/p1", {}), ("https://elsewhere.example/fhir/Patient/p2", {}), ("Device/d", {})))
    said = hospital.pull("--group", "g")
    assert patients(hospital) == {"p1"}
    assert [each["where"] for each in said.json["set_aside"]] == ["Group/g", "Group/g"]


def test_a_group_of_many_is_read_in_searches_of_few(hospital):
    hospital.put(*(patient(f"m{n}") for n in range(60)), *(visit(f"m{n}", f"m{n}") for n in range(60)))
    hospital.put(group("many", *((f"Patient/m{n}", {}) for n in range(60))))
    hospital.pull("--group", "many")
    assert len(patients(hospital)) == 60
    assert len(hospital.lines("Encounter")) == 60
    assert not hospital.asked("patient=") and not hospital.asked("_id=")  # ids go in the body


@pytest.mark.parametrize(("words", "why"), [("nobody", "not on the server"), ("../x", "no id of a Group")])
def test_a_group_that_is_none_is_wrong_usage(hospital, words, why):
    said = hospital.pull("--group", words)
    assert said.code == 2
    assert why in said.err


def test_an_empty_group_is_nobody(hospital):
    hospital.put(group("none"))
    said = hospital.pull("--group", "none")
    assert said.code == 0
    assert hospital.lines() == []


def listing(hospital, text):
    (hospital.root / "list.txt").write_text(text)
    return hospital.pull("--patients-from", "list.txt")


def test_patients_from_a_file(hospital):
    text = f"p1\n\n# a remark\nPatient/p2\n{hospital.url}/Patient/p3/_history/1\n p1 \n"
    assert listing(hospital, text).code == 0
    assert patients(hospital) == {"p1", "p2", "p3"}
    assert len(hospital.lines("Encounter")) == 6


@pytest.mark.parametrize("line", ["p1|2", "p1#a", "Patient/p1/_history/1/2", "Group/1", "https://a.example/Patient/p1"])
def test_a_line_that_names_no_patient_here_is_told(hospital, line):
    said = listing(hospital, f"p2\n{line}\n")
    assert said.code != 0
    assert "list.txt, line 2" in said.err


def linked(key, other, kind):
    return {**patient(key), "link": [{"type": kind, "other": {"reference": other}}]}


def test_records_of_one_person_are_read_together(hospital):
    """Whichever of them was named, however far the links lead; but for those that merge nothing or lead elsewhere."""
    hospital.put(
        linked("oldest", "Patient/old", "replaced-by"),
        linked("old", f"{hospital.url}/Patient/new", "replaced-by"),
        linked("new", "Patient/oldest", "replaces"),
        linked("twin", "Patient/p2", "seealso"),
        linked("moved", "https://elsewhere.example/fhir/Patient/p3", "replaced-by"),
        linked("orphan", "Patient/nowhere", "replaced-by"),
        *(visit(each, each) for each in ("oldest", "new")),
    )
    said = listing(hospital, "oldest\ntwin\nmoved\norphan\n")
    assert said.code == 0
    assert patients(hospital) == {"oldest", "old", "new", "twin", "moved", "orphan"}
    assert {line["subject"]["reference"] for line in hospital.lines("Encounter")} == {"Patient/oldest", "Patient/new"}
    assert said.json["set_aside"] == []


def test_records_that_name_the_survivor_are_read_with_it_though_it_names_none(hospital):
    hospital.put(
        linked("oldest", "Patient/old", "replaced-by"),
        linked("old", f"{hospital.url}/Patient/p2/_history/3", "replaced-by"),
        linked("mother", "Patient/p2", "seealso"),
        linked("other", "Patient/p3", "replaced-by"),
        visit("oldest", "oldest"),
    )
    assert listing(hospital, "p2\n").code == 0
    assert patients(hospital) == {"p2", "old", "oldest"}
    assert {line["subject"]["reference"] for line in hospital.lines("Encounter")} == {"Patient/p2", "Patient/oldest"}


def test_a_server_that_refuses_to_look_for_them_is_read_without(hospital):
    hospital.put(linked("old", "Patient/p2", "replaced-by"))
    hospital.sandbox.faults.replan(Faults.of('[[fault]]\nbody = "link="\ndo = "status"\nstatus = 400').plan)
    said = listing(hospital, "p2\n")
    assert said.code == 0
    assert patients(hospital) == {"p2"}
    assert any("only where these say so" in note for note in said.json["notes"])


def test_a_server_that_answers_with_anybody_adds_nobody(hospital, monkeypatch):
    """One that leaves out what it does not look at; it is not read to its end for that."""
    monkeypatch.setitem(SEARCH["Patient"], "link", Parameter("link", "updated"))
    hospital.put(linked("a", "Patient/p3", "replaced-by"))
    assert listing(hospital, "p2\n").code == 0
    assert patients(hospital) == {"p2"}


def test_patients_from_stdin(hospital, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("p4\n"))
    hospital.pull("--patients-from", "-")
    assert patients(hospital) == {"p4"}


def test_who_is_listed_and_not_there_is_set_aside(hospital):
    said = listing(hospital, "p1\nnever\n")
    assert said.code == 3
    assert said.json["set_aside"] == [{"where": "Patient/never", "why": "it was asked for, and is not on the server"}]


@pytest.mark.parametrize("line", ["Encounter/e1-1", "https://elsewhere.example/fhir/Patient/p1", "p1,p2", "p 1"])
def test_a_line_that_names_no_patient_is_told_by_its_number(hospital, line):
    said = listing(hospital, f"p1\n{line}\n")
    assert said.code == 2
    assert "line 2" in said.err
    assert line not in said.err


@pytest.mark.parametrize("text", ["", "\n# nobody\n"])
def test_a_list_of_nobody_is_wrong_usage(hospital, text):
    assert "nobody is named" in listing(hospital, text).err


def test_a_list_that_is_not_there_is_wrong_usage(hospital):
    assert hospital.pull("--patients-from", "missing.txt").code == 2


def test_who_is_in_the_group_and_in_the_list(hospital):
    hospital.put(group("g", ("Patient/p1", {}), ("Patient/p2", {})))
    (hospital.root / "list.txt").write_text("p2\np3\n")
    hospital.pull("--patients-from", "list.txt", "--group", "g")
    assert patients(hospital) == {"p2"}


def test_a_run_takes_them_too_and_plans_for_those_alone(hospital):
    hospital.put(group("g", ("Patient/p1", {})))
    said = hospital.personalize("run", hospital.url, "--as-of", "2026-07-01", "--group", "g", "--json")
    assert said.code == 0, said.err
    assert said.json["profiles"] == 1
