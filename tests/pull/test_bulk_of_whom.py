"""A Group, some patients or everybody: who is exported, who is searched instead, and that it says so."""

import pytest

from service.sandbox import Faults

from .exports import configure, kick_offs, notes

IN_GROUP = 'bulk_group = "g"'


@pytest.fixture
def members(hospital):
    def put(*ids):
        entities = [{"entity": {"reference": f"Patient/{each}"}} for each in ids]
        hospital.put({"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": entities})

    put("p1", "p2")
    return put


def expected(hospital, *people):
    return {
        ref: version
        for ref, version in hospital.versions.items()
        if any(ref == f"Patient/p{n}" or ref.startswith(f"Encounter/e{n}-") for n in people)
    }


def test_a_group_is_exported_with_its_members_alone(hospital, exporting, members):
    said = exporting(settings=IN_GROUP)
    assert "read by an export of Group/g" in notes(said)
    assert kick_offs(hospital)[0].startswith("/fhir/Group/g/$export?")
    assert hospital.lake == expected(hospital, 1, 2)
    assert hospital.manifest["limited"] is True


def test_new_members_come_with_their_history(hospital, exporting, members):
    exporting(settings=IN_GROUP)
    members("p1", "p2", "p3")  # whose visits are as old as anybody's
    exporting("behind = -3600", settings=IN_GROUP)
    assert "_since" in kick_offs(hospital)[0]
    assert hospital.lake == expected(hospital, 1, 2, 3)
    exporting(settings=IN_GROUP)
    assert hospital.lake == expected(hospital, 1, 2, 3)


def test_who_left_the_group_is_left_out(hospital, exporting, members):
    exporting(settings=IN_GROUP)
    members("p2", "p4")
    said = exporting(settings=IN_GROUP)
    assert "Group/g was exported whole: some have left it" in notes(said)
    assert hospital.lake == expected(hospital, 2, 4)


def test_where_a_group_cannot_be_exported_its_members_are_searched(hospital, exporting, members):
    hospital.sandbox.faults.replan(Faults.of('[bulk]\nat = ["Patient"]').plan)
    configure(hospital, IN_GROUP)
    said = hospital.pull()
    assert "read by search: the server states no $export of Group/g" in notes(said)
    assert hospital.lake == expected(hospital, 1, 2)


def test_group_on_the_command_line_is_exported_when_asked(hospital, exporting, members):
    assert "read by an export of Group/g" in notes(exporting("", "--group", "g"))
    assert hospital.lake == expected(hospital, 1, 2)


def test_few_patients_are_searched_and_it_says_so(hospital):
    configure(hospital, "")
    assert notes(hospital.pull()) == ""
    assert hospital.manifest["way"].startswith("read by search: the server counts 10 patients")
    assert kick_offs(hospital) == []


def test_many_are_exported_where_the_server_states_it(hospital, monkeypatch):
    monkeypatch.setattr("service.pull.way.WORTH_EXPORTING", 10)
    configure(hospital, "")
    assert "read by an export of all patients" in notes(hospital.pull())
    assert hospital.lake == hospital.versions


def test_a_server_that_states_none_is_searched(hospital):
    hospital.sandbox.faults.replan(Faults.of("[bulk]\nat = []").plan)
    configure(hospital, "")
    assert hospital.pull().code == 0
    assert hospital.manifest["way"] == "read by search: the server states no $export of all patients"


def test_the_whole_system_only_when_configured(hospital, exporting):
    exporting()
    assert kick_offs(hospital)[0].startswith("/fhir/Patient/$export")
    exporting("", "--full", settings="bulk_system = true")
    assert kick_offs(hospital)[0].startswith("/fhir/$export")
    assert hospital.lake == hospital.versions


def test_some_patients_alone_are_searched_whatever_is_set(hospital, exporting):
    said = exporting("", "--patient-limit", "2")
    assert "an export cannot be of some patients alone" in notes(said)
    assert kick_offs(hospital) == []


def test_what_is_asked_for_by_name_is_tried_and_its_refusal_told(hospital, exporting):
    said = exporting("at = []")
    assert said.code == 1
    assert "no $export at Patient level" in said.err


def test_where_no_export_begins_and_none_was_asked_for_a_search_does(exporting, hospital, monkeypatch):
    monkeypatch.setattr("service.pull.way.WORTH_EXPORTING", 1)
    refused = '[[fault]]\ndo = "status"\nstatus = 501\npath = "export"\n'
    assert exporting("", faults=refused).code == 1, "asked for by name it is not replaced"
    configure(hospital, 'pull = "auto"')
    assert "read by search after all" in notes(hospital.pull())
    assert hospital.lake == hospital.versions
