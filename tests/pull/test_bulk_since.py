"""A later export brings what changed; the lines are those that a whole one would give."""

from datetime import datetime

import pytest

from service.pull.sheet import Sheet

from .conftest import patient, visit
from .exports import asked_for, kick_offs, notes


@pytest.mark.parametrize("severity", ["error", "fatal"])
def test_what_it_could_not_export_makes_the_pull_partial_and_holds_the_watermark(hospital, exporting, severity):
    exporting()
    began = hospital.manifest["types"]["Encounter"]["since"]
    hospital.put(visit("late", "p1"))
    said = exporting(f'errors = ["{severity}"]')
    assert said.code == 3
    assert any(each["where"] == "export" for each in said.json["set_aside"])
    assert hospital.manifest["limited"] is True  # so that nobody is taken for gone
    held = hospital.manifest["types"]["Encounter"]["since"]
    assert datetime.fromisoformat(held) == datetime.fromisoformat(began)
    said = exporting()
    assert (said.code, hospital.lake) == (0, hospital.versions)
    assert asked_for(kick_offs(hospital)[0])["_since"] < began


def test_only_what_changed_is_exported_and_what_was_deleted_goes(hospital, exporting):
    exporting()
    before, began = hospital.raw, hospital.manifest["types"]["Encounter"]["since"]
    hospital.put(visit("e1-1", "p1", status="cancelled"), visit("new", "p2"), patient("p10"))
    hospital.delete("Encounter/e2-1")
    hospital.delete("Encounter/e3-1")
    hospital.put(visit("e3-1", "p3", status="cancelled"))  # deleted, and there again
    said = exporting("file-lines = 1")
    assert hospital.lake == hospital.versions
    (path,) = kick_offs(hospital)
    assert asked_for(path)["_since"] < began
    assert said.json["pulled"]["Encounter"] == 20
    assert (hospital.raw / "Claim.ndjson").read_bytes() == (before / "Claim.ndjson").read_bytes() == b""


def test_an_interruption_between_two_types_is_gone_on_with(hospital, exporting, monkeypatch):
    exporting()
    hospital.put(visit("new", "p2"), patient("p10"))
    real = Sheet.finished

    def interrupted(self, *words):
        if self.type == "Encounter":
            raise KeyboardInterrupt
        real(self, *words)

    with monkeypatch.context() as patched:
        patched.setattr(Sheet, "finished", interrupted)
        exporting()
    assert exporting().code == 0
    assert hospital.lake == hospital.versions


def test_nothing_changed_and_the_files_are_the_earlier_ones(hospital, exporting):
    exporting()
    before = hospital.raw
    assert "nothing was new or changed" in notes(exporting())
    assert (hospital.raw / "Encounter.ndjson").samefile(before / "Encounter.ndjson")


def test_the_first_claims_ever_are_found_by_what_changed(hospital, exporting):
    exporting()
    claim = {"resourceType": "Claim", "id": "c", "status": "active", "use": "claim"}
    hospital.put({**claim, "patient": {"reference": "Patient/p1"}})
    exporting()
    assert hospital.lake == hospital.versions
    assert len(kick_offs(hospital)) == 1


def test_search_and_export_follow_each_other(hospital, exporting):
    exporting()
    hospital.put(visit("one", "p1"))
    assert "1 Encounter" in notes(exporting("", "--pull", "search"))
    hospital.put(visit("two", "p1"))
    assert "1 Encounter" in notes(exporting())
    assert hospital.lake == hospital.versions


def test_a_server_that_ignores_since_brings_what_we_have_and_it_stays_once(hospital, exporting):
    exporting()
    hospital.put(visit("new", "p2"))
    said = exporting('ignored = ["_since"]')
    assert "1 Encounter" in notes(said)
    assert hospital.lake == hospital.versions


def test_a_deletion_that_nobody_tells_is_found_by_the_count(hospital, exporting):
    exporting()
    hospital.delete("Encounter/e2-1")
    said = exporting('ignored = ["_since"]')  # so nothing is told as deleted either
    assert "Encounter was exported whole" in notes(said)
    assert hospital.lake == hospital.versions


def test_full_exports_all_again(hospital, exporting):
    exporting()
    exporting("", "--full")
    assert "_since" not in kick_offs(hospital)[0]
    assert hospital.lake == hospital.versions
