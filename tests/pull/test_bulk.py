"""An export brings what a search would; what its server does otherwise is noticed, told, and does no harm."""

import json
import re
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from service.sandbox import exports, running
from service.settings import Source

from .conftest import visit
from .exports import asked_for, files, kick_offs, notes

TOKEN = "let-me-in-4711"
SECRET = f'token = "{TOKEN}"\n'


def test_it_holds_what_the_server_has_and_the_export_is_ended(hospital, exporting):
    said = exporting("file-lines = 3")
    assert "read by an export of all patients, as the server states" in notes(said)
    assert hospital.lake == hospital.versions
    (path,) = kick_offs(hospital)
    assert path.startswith("/fhir/Patient/$export?")
    assert asked_for(path)["_type"].startswith("Patient,Encounter,Claim,")
    assert len(files(hospital)) == len(set(files(hospital))) == 4 + 7
    assert len(hospital.sandbox.app.state.exports) == 0
    assert {each.method for each in hospital.sandbox.requests} == {"GET", "DELETE"}
    assert not list(hospital.root.glob("lake/raw/*/*/*.state"))


def test_nothing_but_what_is_needed_is_left_of_the_files_that_came(hospital, exporting):
    exporting("file-lines = 3")
    assert {path.suffix for path in hospital.raw.iterdir()} == {".ndjson", ".json"}
    assert {path.stat().st_mode & 0o777 for path in hospital.raw.iterdir()} == {0o600}


@pytest.mark.parametrize(
    "habits",
    [
        "polls = 4",
        'polls = 2\nretry-after = "7200"',
        'polls = 2\nretry-after = "Wed, 01 Jan 2031 00:00:00 GMT"',
        "gzip = false",
        "counts = false",
        "relative = true",
        'files-at = "https://inner.hospital.example:8443/fhir"',
        "repeated = true\nfile-lines = 3",
        "final-newline = false",
        'no = ["_typeFilter"]',
        'errors = ["warning", "information"]',
        "behind = 86400",
    ],
)
def test_a_servers_habits_make_no_difference(hospital, exporting, habits):
    said = exporting(habits)
    assert said.code == 0, said.err
    assert hospital.lake == hospital.versions
    assert said.json["pulled"]["Encounter"] == 20


def test_what_it_warns_of_is_told(exporting):
    assert "the server says of the export: some of it could not be exported" in notes(exporting('errors = ["warning"]'))


def test_a_line_that_is_no_resource_is_set_aside_with_its_place(hospital, exporting):
    said = exporting("spoilt = true")
    assert hospital.lake == hospital.versions
    aside = {each["where"]: each["why"] for each in said.json["set_aside"]}
    assert aside["Basic/stray"] == "came where Encounter was asked for"
    assert any(re.fullmatch(r"Encounter export, file \d+, line 1", where) for where in aside)


def test_a_part_of_a_resource_never_stands_for_the_whole(hospital, exporting):
    subsetted = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
    hospital.put(visit("part", "p1", meta={"tag": [subsetted]}))
    said = exporting()
    assert {"where": "Encounter/part", "why": "only a part of its elements came (SUBSETTED)"} in said.json["set_aside"]
    assert "Encounter/part" not in hospital.lake


def test_types_that_were_not_asked_for_are_left_out_and_told(hospital, exporting):
    hospital.put({"resourceType": "Observation", "id": "o", "subject": {"reference": "Patient/p1"}})
    assert "exported, and not asked for: Observation; left out" in notes(exporting('ignored = ["_type"]'))
    assert hospital.lake == hospital.versions
    assert not (hospital.raw / "Observation.ndjson").exists()


def test_what_an_export_leaves_out_is_read_by_search(hospital, exporting, monkeypatch):
    monkeypatch.setattr("service.sandbox.exports._records", _without("Encounter"))
    said = exporting()
    assert "nothing of Encounter was exported, and the server counts some: read by search" in notes(said)
    assert hospital.lake == hospital.versions


def _without(kind):
    records = exports._records
    return lambda store, type, *rest: records(store, type, *rest)[:0] if type == kind else records(store, type, *rest)


@pytest.mark.parametrize("refused", ["_since", "_typeFilter"])
def test_a_parameter_that_it_refuses_is_left_to_it_and_told(hospital, exporting, refused):
    exporting(settings='bulk_filters = ["Encounter?status=finished"]')
    hospital.put(visit("new", "p2"))
    said = exporting(f'no = ["{refused}"]', settings='bulk_filters = ["Encounter?status=finished"]')
    assert "was refused" in notes(said) and "may have" in notes(said)
    assert hospital.lake == hospital.versions


def test_a_filter_is_sent_encoded_by_itself_beside_its_type(hospital, exporting):
    hospital.put(visit("off", "p1", status="cancelled"))
    settings = 'bulk_filters = ["Encounter?status=finished&date=ge2020-01-01", "Claim?status=active"]'
    exporting(settings=settings)
    (path,) = kick_offs(hospital)
    query = urlsplit(path).query
    assert "_typeFilter=Encounter%3Fstatus%3Dfinished%26date%3Dge2020-01-01,Claim%3Fstatus%3Dactive" in query
    assert {"Encounter", "Claim"} <= set(unquote(query).partition("_type=")[2].partition("&")[0].split(","))
    assert "Encounter/off" not in hospital.lake


@pytest.mark.parametrize("habits", ["", 'ignored = ["_typeFilter"]', 'no = ["_typeFilter"]'])
def test_a_filter_holds_also_where_the_server_ignores_it(hospital, exporting, habits):
    old = {"start": "2012-01-01T10:00:00Z", "end": "2012-01-01T11:00:00Z"}
    hospital.put(visit("off", "p1", status="cancelled"), visit("old", "p1", period=old), visit("open", "p2"))
    claim = {"resourceType": "Claim", "status": "active", "use": "claim", "patient": {"reference": "Patient/p1"}}
    hospital.put({**claim, "id": "new", "created": "2026-03"}, {**claim, "id": "late", "created": "2031"})
    settings = 'bulk_filters = ["Encounter?status=finished&date=ge2020-01-01", "Claim?status=active"]'
    assert exporting(habits, settings=settings).code == 0
    assert hospital.versions.keys() - hospital.lake.keys() == {"Encounter/off", "Encounter/old"}


@pytest.mark.parametrize(
    "filter", ["Encounter?_include=Encounter:subject", "Encounter?_sort=date", "Encounter", "Patient?status=a"]
)
def test_a_filter_that_shapes_the_answer_is_refused_before_anything_is_asked(hospital, exporting, filter):
    said = exporting(settings=f'bulk_filters = ["{filter}"]')
    assert said.code == 2
    assert hospital.sandbox.requests == []


def test_a_file_that_grows_out_of_all_proportion_is_not_written_on(hospital, exporting, monkeypatch):
    monkeypatch.setattr("service.pull.bulk.BOMB_FROM", 500)
    monkeypatch.setattr("service.pull.bulk.BOMB_RATIO", 1)
    said = exporting()
    assert said.code == 1 and "too large to be one of an export" in said.err
    assert len(hospital.sandbox.app.state.exports) == 0


@pytest.fixture
def store_of_files():
    """Another origin, which keeps the files."""
    with running(patients=0) as other:
        yield other


def elsewhere(hospital, other):
    """The hospital's manifest names the other origin, and that has the same exports."""
    other.app.state.exports = hospital.sandbox.app.state.exports
    other.app.state.store = hospital.sandbox.store
    other.app.state.faults = hospital.sandbox.faults
    return f'files-at = "{other.url}"\ntoken = "{TOKEN}"\n'


def test_where_it_is_required_the_token_goes_with_status_and_files(hospital, exporting):
    said = exporting(f'token = "{TOKEN}"\nrequires-access-token = true', settings=SECRET)
    assert said.code == 0, said.err
    assert hospital.lake == hospital.versions


def test_where_it_is_not_files_are_fetched_without(hospital, exporting):
    """The sandbox refuses files to whoever shows a token all the same, as stores of files do."""
    said = exporting(f'token = "{TOKEN}"', settings=SECRET)
    assert said.code == 0, said.err
    assert hospital.lake == hospital.versions


@pytest.mark.parametrize("required", [True, False])
def test_files_at_an_origin_that_nobody_named_are_not_fetched(hospital, exporting, store_of_files, required):
    habits = elsewhere(hospital, store_of_files).replace("/fhir", "/files")
    said = exporting(f"{habits}requires-access-token = {str(required).lower()}", settings=SECRET)
    assert said.code == 1
    assert "another origin" in said.err and "bulk_origins" in said.err
    assert store_of_files.requests == []
    assert len(hospital.sandbox.app.state.exports) == 0  # ended on the server


@pytest.mark.parametrize("required", [True, False])
def test_at_an_origin_that_was_named_the_token_is_shown_only_where_required(
    hospital, exporting, store_of_files, required
):
    habits = elsewhere(hospital, store_of_files)
    settings = f'{SECRET}bulk_origins = ["{store_of_files.url.removesuffix("/fhir")}"]'
    said = exporting(f"{habits}requires-access-token = {str(required).lower()}", settings=settings)
    assert said.code == 0, said.err
    assert hospital.lake == hospital.versions
    assert store_of_files.requests and {each.status for each in store_of_files.requests} == {200}


def test_settings_take_no_filter_of_result_parameters():
    with pytest.raises(ValueError, match="is no query by status"):
        Source(url="https://x.example", bulk_filters=["Encounter?_count=5"])


def test_what_the_sandbox_sends_is_compressed_where_asked(hospital):
    """So that what is said of gzip above is of gzip."""
    started = httpx.get(f"{hospital.url}/Patient/$export?_type=Patient", headers={"Prefer": "respond-async"})
    status = started.headers["Content-Location"]
    httpx.get(status)
    url = httpx.get(status).json()["output"][0]["url"]
    packed = httpx.get(url, headers={"Accept-Encoding": "gzip"})
    plain = httpx.get(url, headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain.headers
    assert packed.content == plain.content
    assert {json.loads(line)["resourceType"] for line in plain.text.splitlines()} == {"Patient"}
