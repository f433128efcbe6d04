"""Of a large type what came since lies beside the earlier file: told by what stands, not by where."""

import json
import os
import random

import numpy as np
import pytest

from service import raw
from service.lake import linked
from service.pull import places
from service.pull.manifest import Pulled
from service.pull.part import Part
from service.pull.places import Places, digest, found, once
from service.pull.sheet import Sheet

from .conftest import patient, visit

VIEW = {
    "resource": "Encounter",
    "name": "visits",
    "status": "active",
    "select": [{"column": [{"name": "id", "path": "getResourceKey()"}, {"name": "status", "path": "status"}]}],
}


@pytest.fixture
def known(hospital, in_two):
    assert hospital.pull().code == 0
    return hospital


def encounters(hospital):
    return hospital.raw / "Encounter.ndjson"


def test_what_came_stands_beside_the_earlier_file(known):
    first = encounters(known)
    known.put(visit("e1-1", "p1", status="cancelled"), visit("new", "p2"))
    known.pull()
    assert encounters(known).samefile(first)
    assert raw.index(encounters(known)).samefile(raw.index(first))
    assert raw.superseded(encounters(known)).read_text() == '"e1-1"\n'
    assert {raw.id_of(line) for line in raw.lines_later(encounters(known))} == {"e1-1", "new"}
    assert [raw.id_of(line) for line in raw.replaced(encounters(known)).open("rb")] == ["e1-1"]
    assert known.lake == known.versions


def test_night_after_night_the_first_file_is_shared_and_all_stands(known):
    first, chance = encounters(known), random.Random(3)
    for night in range(6):
        ids = chance.sample([each.split("/")[1] for each in known.versions if "Encounter" in each], 3)
        known.put(*(visit(each, "p1", length={"value": night}) for each in ids), visit(f"late{night}", "p2"))
        said = known.pull()
        assert known.lake == known.versions
        assert said.json["pulled"]["Encounter"] == 21 + night
        assert encounters(known).samefile(first)
    known.pull()
    assert not raw.replaced(encounters(known)).exists(), "nothing changed, and all of it is shared"
    assert known.lake == known.versions


def test_of_what_is_no_little_one_file_is_made(known, monkeypatch):
    first = encounters(known)
    known.put(visit("e1-1", "p1", status="cancelled"))
    known.pull()
    monkeypatch.setattr("service.pull.merge.LITTLE", 0.01)
    known.put(visit("e2-1", "p2", status="cancelled"))
    known.pull()
    second = encounters(known)
    assert not raw.in_two(second)
    assert not second.samefile(first)
    assert known.lake == known.versions
    monkeypatch.setattr("service.pull.merge.LITTLE", 1_000)
    known.put(visit("e1-1", "p1", status="finished"), visit("e4-1", "p4", status="cancelled"))
    known.pull()
    assert encounters(known).samefile(second)
    assert known.lake == known.versions


def test_of_what_has_stood_for_a_week_one_file_is_made(known):
    """What was corrected or deleted on the server stands in it still."""
    first = encounters(known)
    last_week = first.stat().st_mtime - 8 * 24 * 3600
    os.utime(first, (last_week, last_week))
    known.put(visit("e1-1", "p1", status="cancelled"))
    known.pull()
    assert not raw.in_two(encounters(known))
    assert known.lake == known.versions


def test_many_deletions_are_no_little(known, monkeypatch):
    monkeypatch.setattr("service.pull.merge.LITTLE", 0.2)
    for n in range(5):
        known.delete(f"Encounter/e{n}-1")
    known.pull("--pull", "bulk")
    assert not raw.in_two(encounters(known))
    assert known.lake == known.versions


@pytest.mark.parametrize("index", [None, b"\0" * 24], ids=["lost", "of-another-file"])
def test_without_its_index_one_file_is_made(known, index):
    first = encounters(known)
    if index is None:
        raw.index(first).unlink()
    else:
        raw.index(first).write_bytes(index)
    known.put(visit("e1-1", "p1", status="cancelled"))
    known.pull()
    assert not encounters(known).samefile(first)
    assert not raw.in_two(encounters(known))
    assert known.lake == known.versions


def test_an_export_tells_what_was_deleted_of_both(known):
    words = ("--pull", "bulk")
    known.put(visit("later", "p1"), visit("e5-1", "p5", status="cancelled"))
    known.pull(*words)
    known.delete("Encounter/later")
    known.delete("Encounter/e4-1")
    known.delete("Encounter/e5-1")
    known.put(visit("e5-1", "p5"))
    said = known.pull(*words)
    assert raw.in_two(encounters(known))
    assert known.lake == known.versions
    assert said.json["pulled"]["Encounter"] == 19
    known.put(visit("e4-1", "p4"))
    known.pull(*words)
    assert known.lake == known.versions


def test_an_interruption_after_it_was_laid_leaves_nothing_behind(known, monkeypatch):
    def interrupted(self, *_):
        raise KeyboardInterrupt

    known.put(visit("e1-1", "p1", status="cancelled"))
    with monkeypatch.context() as patched:
        patched.setattr(Sheet, "finished", interrupted)
        known.pull()
    known.pull()
    assert known.lake == known.versions


def test_patients_stay_in_one_file(known):
    """Plans read them one by one, by their place."""
    known.put(patient("p1", active=False))
    known.pull()
    assert not raw.in_two(known.raw / "Patient.ndjson")
    assert not raw.index(known.raw / "Patient.ndjson").exists()


@pytest.mark.parametrize("named", ["the server", "the folder"])
def test_a_view_is_of_what_stands(known, personalize, named):
    known.put(visit("e1-1", "p1", status="cancelled"), visit("new", "p2"))
    known.pull()
    (known.root / "view.json").write_text(json.dumps(VIEW))
    whose = (known.url,) if named == "the server" else ("--from", str(known.raw))
    said = personalize("flatten", *whose, "--view", "view.json", "--to", "csv", "--out", "visits.csv")
    assert said.code == 0, said.err
    rows = [line.split(",") for line in (known.root / "visits.csv").read_text().splitlines()[1:]]
    assert len(rows) == 21
    assert [status for key, status in rows if key == "Encounter/e1-1"] == ["cancelled"]


def test_erasing_leaves_no_line_in_either(known, personalize):
    for night in range(2):
        known.put(visit("e1-1", "p1", length={"value": night}), visit("e2-1", "p2", length={"value": night}))
        known.pull()
    said = personalize("erase", known.url, "p1")
    assert said.code in (0, 3), said.err
    files = [*known.root.glob("lake/raw/*/*/*")]
    assert not [each for each in files if b"e1-1" in each.read_bytes() or b"Patient/p1" in each.read_bytes()]
    assert [*known.root.glob("lake/raw/*/*/Encounter.superseded")]
    bases = [*known.root.glob("lake/raw/*/*/Encounter.ndjson")]
    assert len({each.stat().st_ino for each in bases}) == 1, "one file before, and one now"
    stands = [json.loads(line)["id"] for line in raw.lines_of(encounters(known))]
    assert sorted(stands) == sorted(f"e{n}-{k}" for n in range(10) if n != 1 for k in (1, 2))


def test_erasing_one_brings_back_no_line_that_was_taken_from_another(known, personalize):
    """A visit that was put under the wrong patient first."""
    known.put(visit("e2-1", "p1"))
    known.pull()
    assert personalize("erase", known.url, "p1").code in (0, 3)
    assert "e2-1" not in [json.loads(line)["id"] for line in raw.lines_of(encounters(known))]
    known.pull()
    assert not raw.in_two(encounters(known)), "erasing took lines of what came later: all are counted anew"
    assert known.lake == known.versions


def test_a_sheet_that_lost_what_came_later_is_not_believed(tmp_path):
    with Sheet(Part(tmp_path, tmp_path, False, 0), "Claim") as sheet:
        raw.later(sheet.path).write_bytes(b"{}\n")
        raw.superseded(sheet.path).write_bytes(b"")
        sheet.finished(Pulled(1))
    with Sheet(Part(tmp_path, tmp_path, True, 0), "Claim") as sheet:
        assert sheet.done
    raw.later(sheet.path).unlink()
    with Sheet(Part(tmp_path, tmp_path, True, 0), "Claim") as sheet:
        assert not sheet.done


def test_an_earlier_runs_file_is_not_taken_for_what_was_begun(tmp_path):
    """A reading that had brought nothing, and then a kill after the earlier run's file was linked in its place."""
    earlier = tmp_path / "earlier.ndjson"
    earlier.write_bytes(b'{"resourceType":"Claim","id":"c"}\n')
    with Sheet(Part(tmp_path, tmp_path, False, 0), "Claim") as sheet:
        sheet.safe(1, None, None, 0, [])
    sheet.path.unlink()
    linked(earlier, sheet.path)
    with Sheet(Part(tmp_path, tmp_path, True, 0), "Claim") as sheet:
        assert sheet.fresh
    assert earlier.read_bytes() == b'{"resourceType":"Claim","id":"c"}\n'


def test_ids_are_found_among_many_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "BLOCK", 8)
    file, index = tmp_path / "Claim.ndjson", tmp_path / "Claim.index"
    lines = {f"c{n}": b'{"resourceType":"Claim","id":"c%d","item":[%d]}\n' % (n, n) for n in range(100)}
    file.write_bytes(b"".join(lines.values()))
    Places.of(file, tmp_path / "new").kept(index, file)
    assert index.stat().st_size == 100 * 16 + 8
    assert dict(found(index, file, [*lines, "none"])) == lines
    assert [*found(index, file, ["c99", "c7"])] == [("c7", lines["c7"]), ("c99", lines["c99"])], "as they stand"
    assert [*found(index, file, [])] == []
    with file.open("ab") as more:
        more.write(b"{}\n")
    assert found(index, file, ["c7"]) is None


def test_a_digest_that_two_ids_share_names_neither_wrongly(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "digest", lambda each: digest(each) % 3)
    file = tmp_path / "Claim.ndjson"
    lines = {f"c{n}": b'{"resourceType":"Claim","id":"c%d"}\n' % n for n in range(20)}
    file.write_bytes(b"".join(lines.values()))
    made = Places.of(file, tmp_path / "new")
    assert made.repeated() == {0, 1, 2}
    once(file, made.repeated())
    assert file.read_bytes() == b"".join(lines.values())
    made.kept(tmp_path / "index", file)
    assert dict(found(tmp_path / "index", file, ["c3", "c17", "x"])) == {"c3": lines["c3"], "c17": lines["c17"]}


def test_repeated_ids_are_found_in_memory_and_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "BLOCK", 4)
    made, begins = Places(tmp_path / "ids"), np.arange(10).tolist()
    made.add([5, 1, 2, 3, 4, 9, 6, 7, 8, 1], begins)
    assert (made.count, made.repeated()) == (10, {1})
    made.add([9], [99])
    assert made.repeated() == {1, 9}
