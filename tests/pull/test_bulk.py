"""An export brings what a search would; what its server does otherwise is noticed, told, and does no harm."""

import json
import re
from datetime import datetime
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest

from service.sandbox import Faults, exports, running
from service.settings import Source

from .conftest import patient, visit

TOKEN = "let-me-in-4711"


@pytest.fixture
def exporting(hospital):
    """exporting('file-lines = 3'): the hospital with these habits, pulled by an export."""

    def pull(habits="", *words, faults="", settings=""):
        hospital.sandbox.faults.replan(Faults.of(f"{faults}\n[bulk]\n{habits}").plan)
        configure(hospital, f'pull = "bulk"\n{settings}')
        return hospital.pull(*words)

    return pull


def configure(hospital, settings):
    config = f'[sources.hospital]\nurl = "{hospital.url}"\npage_size = 4\n{settings}\n'
    (hospital.root / "personalize.toml").write_text(config)


def notes(said):
    assert said.code == 0, said.err
    return " ".join(said.json["notes"])


def kick_offs(hospital):
    return hospital.asked("$export")


def asked_for(path):
    return {name: value for name, (value,) in parse_qs(urlsplit(path).query).items()}


def files(hospital):
    return hospital.asked(".ndjson")


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


# Groups


@pytest.fixture
def members(hospital):
    def put(*ids):
        entities = [{"entity": {"reference": f"Patient/{each}"}} for each in ids]
        hospital.put({"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": entities})

    put("p1", "p2")
    return put


IN_GROUP = 'bulk_group = "g"'


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


# Which way


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


# Whom the token is shown to


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


SECRET = f'token = "{TOKEN}"\n'


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


def test_where_no_export_begins_and_none_was_asked_for_a_search_does(exporting, hospital, monkeypatch):
    monkeypatch.setattr("service.pull.way.WORTH_EXPORTING", 1)
    refused = '[[fault]]\ndo = "status"\nstatus = 501\npath = "export"\n'
    assert exporting("", faults=refused).code == 1, "asked for by name it is not replaced"
    configure(hospital, 'pull = "auto"')
    assert "read by search after all" in notes(hospital.pull())
    assert hospital.lake == hospital.versions
