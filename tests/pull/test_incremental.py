"""A second pull asks for what changed, and holds the same set of (type, id, version) as a full one would."""

import json
import shutil

import httpx
import pytest
from fastapi import Response

from service.sandbox import paging
from service.sandbox.http import FHIR_JSON

from .conftest import patient, visit

SINCE = "_lastUpdated=ge"


@pytest.fixture
def known(hospital, lying):
    """Pulled once; changes from here on are what the next pull is about."""
    assert hospital.pull().code == 0
    assert hospital.lake == hospital.versions
    return hospital


def notes(said):
    assert said.code == 0, said.err
    return said.json["notes"]


def test_nothing_changed_and_the_files_are_the_earlier_ones(known):
    before = known.raw
    said = known.pull()
    assert "nothing was new or changed" in " ".join(notes(said))
    assert known.raw != before
    assert (known.raw / "Encounter.ndjson").samefile(before / "Encounter.ndjson")
    assert known.lake == known.versions
    assert len(known.asked(SINCE)) == 2  # of the other types there was none, which one page tells
    assert said.json["pulled"]["Encounter"] == 20


def test_what_came_and_changed_is_asked_for_alone_and_laid_over_the_rest(known):
    known.put(visit("e1-1", "p1", status="cancelled"), visit("new", "p2"), patient("p10"))
    said = known.pull()
    assert "2 Encounter" in " ".join(notes(said))
    assert known.lake == known.versions
    assert said.json["pulled"]["Encounter"] == 21
    assert [line["status"] for line in known.lines("Encounter") if line["id"] == "e1-1"] == ["cancelled"]


def test_changes_are_asked_for_from_before_the_last_reading_by_the_servers_clock(known):
    began = known.manifest["types"]["Encounter"]["since"]
    known.pull()
    (asked,) = (path for path in known.asked(SINCE) if "/Encounter" in path)
    moment = httpx.QueryParams(asked.partition("?")[2])["_lastUpdated"].removeprefix("ge").rstrip("Z")
    assert moment < began[:19]


def test_a_file_of_an_earlier_run_is_never_written_into(known):
    first = {path: path.read_bytes() for path in known.raw.iterdir()}
    for n in range(3):
        known.pull()
        known.put(visit("e1-1", "p1", status="in-progress", length={"value": n}), visit(f"later{n}", "p3"))
        known.delete(f"Encounter/e{n + 2}-1")
    known.pull()
    known.pull("--full")
    assert {path: path.read_bytes() for path in first} == first


def test_a_deletion_is_found_by_the_count_and_the_type_is_read_whole(known):
    known.delete("Encounter/e3-1")
    said = known.pull()
    assert any("Encounter was read whole" in note and "deleted" in note for note in notes(said))
    assert known.lake == known.versions
    assert "Encounter/e3-1" not in known.lake


def test_a_deletion_that_a_creation_outweighs_is_found_too(known):
    known.delete("Encounter/e3-1")
    known.put(visit("new", "p3"))
    known.pull()
    assert known.lake == known.versions


def test_deleted_and_made_again(known):
    known.delete("Patient/p4")
    known.pull()
    known.put(patient("p4", birthDate="1980-01-01"))
    known.pull()
    assert known.lake == known.versions
    assert [line["birthDate"] for line in known.lines("Patient") if line["id"] == "p4"] == ["1980-01-01"]


def test_where_nothing_can_be_counted_only_a_full_pull_finds_a_deletion(hospital):
    hospital.sandbox.before = lambda _m, path, _b: Response(status_code=400) if "_summary" in path else None
    hospital.pull()
    hospital.delete("Encounter/e3-1")
    assert any("deletions" in note and "--full" in note for note in notes(hospital.pull()))
    assert "Encounter/e3-1" in hospital.lake
    hospital.pull("--full")
    assert hospital.lake == hospital.versions


def test_full_reads_everything(known):
    known.pull("--full")
    assert known.asked(SINCE) == []
    assert known.lake == known.versions
    assert known.manifest["follows"] is None


def test_a_type_that_could_not_be_read_then_is_read_whole_now(hospital):
    hospital.sandbox.before = lambda _m, path, _b: Response(status_code=403) if "/Encounter?" in path else None
    assert hospital.pull().json["pulled"]["Encounter"] is None
    hospital.sandbox.before = None
    hospital.pull()
    assert hospital.lake == hospital.versions


class _Ignoring:
    """A server that does not look at `_lastUpdated`, or refuses it."""

    def __init__(self, hospital, refuses=False):
        self.url, self.refuses = hospital.url, refuses

    def __call__(self, method, path, _body):
        if SINCE not in path:
            return None
        if self.refuses:
            return Response(status_code=400)
        plain = httpx.get(f"{self.url}{path.removeprefix('/fhir').partition('?')[0]}?_count=4")
        return Response(plain.content, media_type=FHIR_JSON)


@pytest.mark.parametrize("refuses", [False, True])
def test_a_server_that_does_not_look_at_last_updated_is_found_out_and_read_whole(hospital, refuses):
    aged(hospital)
    hospital.pull()
    hospital.put(visit("new", "p1"))
    hospital.sandbox.before = _Ignoring(hospital, refuses)
    said = hospital.pull()
    why = "cannot be asked for what changed" if refuses else "does not look at _lastUpdated"
    assert any(note.startswith("Encounter was read whole") and why in note for note in notes(said))
    assert hospital.lake == hospital.versions


def aged(hospital):
    """All of it was last changed years ago."""
    stamp = {"versionId": "1", "lastUpdated": "2020-01-01T00:00:00.000Z"}
    hospital.put(*({**visit(f"old{n}", "p1"), "meta": stamp} for n in range(5)))
    hospital.put(*({**patient(f"old{n}"), "meta": stamp} for n in range(5)))


def undated(entry):
    told = json.loads(entry)
    del told["resource"]["meta"]["lastUpdated"]
    return json.dumps(told).encode()


def test_a_server_without_last_updated_is_read_whole_each_time(hospital, monkeypatch):
    """As Epic's."""
    shown = paging.with_entries
    monkeypatch.setattr(paging, "with_entries", lambda head, entries: shown(head, map(undated, entries)))
    hospital.pull()
    hospital.put(visit("new", "p1"))
    said = hospital.pull()
    assert hospital.asked(SINCE) == []
    assert any("Encounter was read whole" in note and "when they were changed" in note for note in notes(said))
    assert hospital.lake == hospital.versions


def test_a_server_set_up_anew_is_read_whole(known):
    for reference in list(known.versions):
        known.delete(reference)
    known.put(patient("p0", birthDate="1999-09-09"), patient("other"))
    known.pull()
    assert known.lake == known.versions


def test_what_was_set_aside_stays_so_until_it_is_mended(hospital, monkeypatch):
    aged(hospital)
    monkeypatch.setattr("service.pull.heads.LONGEST_LINE", 3000)
    stamp = {"versionId": "1", "lastUpdated": "2020-01-01T00:00:00.000Z"}
    hospital.put({**patient("long", name=[{"text": "x" * 4000}]), "meta": stamp})
    for _ in range(3):
        assert [each["where"] for each in hospital.pull().json["set_aside"]] == ["Patient/long"]
    assert hospital.manifest["types"]["Patient"]["changed"] == 0
    hospital.put(patient("long"))
    assert hospital.pull().json["set_aside"] == []
    assert hospital.lake == hospital.versions


def test_a_limited_pull_neither_follows_nor_is_followed(known):
    full = known.raw.name
    known.pull("--patient-limit", 3)
    assert known.manifest["follows"] is None
    known.put(visit("new", "p1"))
    known.pull()
    assert known.manifest["follows"] == full
    assert known.lake == known.versions


def test_the_mark_moves_only_with_a_run_that_is_complete(known):
    first = known.raw.name
    known.put(visit("new", "p1"))
    known.sandbox.before = lambda _m, path, _b: Response(status_code=401) if "/Claim?" in path else None
    assert known.pull().code == 1
    known.sandbox.before = None
    known.pull()
    assert known.manifest["follows"] == first
    assert known.lake == known.versions


def test_a_lost_run_is_not_followed(known):
    shutil.rmtree(known.raw)
    known.pull()
    assert known.lake == known.versions
    assert known.manifest["follows"] is None


def test_own_writes_are_told_and_start_no_work(personalize, planted_sandbox, tmp_path):
    words = ("run", planted_sandbox.url, "--as-of", "2026-07-01", "--apply", "--write", "patient", "--json")
    first = personalize(*words)
    assert first.json["written"]["Patient"] > 0
    second = personalize(*words)
    assert second.json["written"] == {}
    own = first.json["written"]["Patient"]
    assert any(f"{own} Patient" in note and f"{own} of them by our own writes alone" in note for note in notes(second))
    third = personalize(*words)
    assert any("nothing was new or changed" in note for note in notes(third))
