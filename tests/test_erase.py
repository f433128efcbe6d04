"""`personalize erase`: one patient out of server, lake, catalog and cache, and everybody else exactly as before."""

import json
import sqlite3
from pathlib import Path

import duckdb
import httpx
import pytest
import redis

from service.jobs.cache import answers_about
from service.sandbox import Faults, running

DAY = "2026-07-01"
WHO, OTHER = "p03-emergency", "p02-preventive"
TAG = "https://w3id.org/fhir-personalization/installation|"
EXTENSION = "https://w3id.org/fhir-personalization/StructureDefinition/patient-personalization"


@pytest.fixture
def written(personalize, planted_sandbox):
    """A run, applied."""
    night(personalize, planted_sandbox, DAY)
    return planted_sandbox


def night(personalize, sandbox, day):
    said = personalize("run", sandbox.url, "--as-of", day, "--apply", "--write", "patient")
    assert said.code == 0, said.err


def texts(lake):
    """(file, what it says) of the whole lake, Parquet and SQLite read as such: a grep that sees through compression."""
    for path in (each for each in lake.rglob("*") if each.is_file()):
        if path.suffix == ".parquet":
            yield path, str(duckdb.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall())
        elif path.suffix == ".sqlite":
            with sqlite3.connect(path) as database:
                yield path, "\n".join(database.iterdump())
            yield path, path.read_bytes().decode(errors="replace")
        else:
            yield path, path.read_bytes().decode(errors="replace")


def naming(lake, who):
    return [str(path.relative_to(lake)) for path, text in texts(lake) if who in text]


def ours(sandbox, who):
    found = httpx.get(f"{sandbox.url}/Observation?patient={who}").json().get("entry", [])
    return [entry["resource"] for entry in found]


def others(sandbox):
    return {
        reference: sandbox.store.read(*reference.split("/")).body
        for reference in sandbox.versions()
        if WHO.encode() not in sandbox.store.read(*reference.split("/")).body
    }


def test_nothing_names_the_patient_any_more(personalize, written, tmp_path):
    night(personalize, written, "2026-07-02")
    assert naming(tmp_path / "lake", WHO)
    said = personalize("erase", written.url, WHO)
    assert said.code == 0, said.err
    assert naming(tmp_path / "lake", WHO) == []
    assert ours(written, WHO) == []
    assert "searched again: no resource of ours, no file and no row names them" in said.out


def test_only_what_is_ours_goes_from_the_server(personalize, written):
    encounters = httpx.get(f"{written.url}/Encounter?patient={WHO}").json()
    personalize("erase", written.url, WHO)
    patient = httpx.get(f"{written.url}/Patient/{WHO}").json()
    assert not any(each["url"] == EXTENSION for each in patient.get("extension", []))
    assert [each["fullUrl"] for each in httpx.get(f"{written.url}/Encounter?patient={WHO}").json()["entry"]] == [
        each["fullUrl"] for each in encounters["entry"]
    ]


def test_everybody_else_is_as_before(personalize, written, tmp_path):
    before, explained = others(written), personalize("explain", written.url, OTHER).out
    provenances = sum(reference.startswith("Provenance/") for reference in before)
    told = personalize("erase", written.url, WHO, "--json").json
    assert told["server"]["Observation"] == 1
    after = others(written)
    gone = {reference for reference in before if reference not in after}
    assert {reference.split("/")[0] for reference in gone} == {"Provenance"}
    assert len(gone) == told["server"]["Provenance"] < provenances
    assert all(before[reference] == body for reference, body in after.items() if reference != f"Patient/{WHO}")
    assert personalize("explain", written.url, OTHER).out == explained


def test_it_says_what_history_keeps(personalize, written):
    told = personalize("erase", written.url, WHO, "--json").json
    assert told["history"][f"Patient/{WHO}"] >= 1
    assert any(reference.startswith("Observation/") for reference in told["history"])
    for reference, count in told["history"].items():
        entries = httpx.get(f"{written.url}/{reference}/_history").json()["entry"]
        assert sum("resource" in entry for entry in entries) >= count


def test_a_second_time_there_is_nothing_left(personalize, written):
    personalize("erase", written.url, WHO)
    stood = written.versions()
    said = personalize("erase", written.url, WHO)
    assert said.code == 0
    assert "nothing of ours was found" in said.out
    assert written.versions() == stood


def test_it_needs_no_memory_of_what_was_written(personalize, written):
    said = personalize("erase", written.url, WHO, "--lake", "fresh")
    assert said.code == 0, said.err
    assert ours(written, WHO) == []
    assert ours(written, OTHER)


@pytest.mark.parametrize(
    ("faults", "kind"),
    [
        ('no = ["update-create"]', "Observation"),
        ('without = ["Observation"]', "Flag"),
        ('without = ["Observation", "Flag"]', "DocumentReference"),
    ],
)
def test_whatever_form_it_took_nothing_of_it_stands(personalize, faults, kind):
    with running(patients=3, faults=Faults.of(faults)) as server:
        night(personalize, server, DAY)
        who = "pt-000002"
        [stood] = httpx.get(f"{server.url}/{kind}?patient={who}&_tag={TAG}").json()["entry"]
        told = personalize("erase", server.url, who, "--json").json
        assert (told["left"], told["server"][kind]) == ([], 1)
        assert httpx.get(f"{server.url}/{kind}/{stood['resource']['id']}").status_code == 410
        assert "entry" not in httpx.get(f"{server.url}/{kind}?patient={who}&_tag={TAG}").json()
        provenances = httpx.get(f"{server.url}/Provenance?_tag={TAG}").json().get("entry", [])
        assert not any(stood["resource"]["id"] in str(each) for each in provenances)


def test_merged_records_are_one_person(personalize, written, tmp_path):
    said = personalize("erase", written.url, "p07-survivor", "--json")
    assert said.code == 0, said.out
    assert said.json["patients"] == ["Patient/p07-old", "Patient/p07-survivor"]
    assert naming(tmp_path / "lake", "p07-old") == naming(tmp_path / "lake", "p07-survivor") == []


@pytest.mark.parametrize("form", ["Patient/old/_history/1", "{base}/Patient/old", "{base}/Patient/old/_history/1"])
def test_merged_records_are_one_person_however_the_link_is_written(personalize, sandbox, tmp_path, form):
    linked(sandbox, form.format(base=sandbox.url))
    night(personalize, sandbox, DAY)
    said = personalize("erase", sandbox.url, "new", "--json")
    assert said.json["patients"] == ["Patient/new", "Patient/old"]
    assert naming(tmp_path / "lake", "Patient/old") == []


def test_the_same_id_at_another_address_is_somebody_else(personalize, sandbox, tmp_path):
    linked(sandbox, "https://elsewhere.example/fhir/Patient/old")
    assert "at another address" in personalize("run", sandbox.url, "--as-of", DAY, "--apply").out
    assert personalize("erase", sandbox.url, "new", "--json").json["patients"] == ["Patient/new"]
    assert ours(sandbox, "old")


def linked(sandbox, reference):
    """Two patients, of whom one says that it replaces who is named."""
    link = {"other": {"reference": reference}, "type": "replaces"}
    for patient in ({"id": "old"}, {"id": "new", "link": [link]}):
        sandbox.store.put({"resourceType": "Patient", "birthDate": "1970-01-01", **patient})


def test_an_id_that_begins_another_is_not_mistaken_for_it(personalize, sandbox, tmp_path):
    for number in ("1", "10", "1-0"):
        sandbox.store.put({"resourceType": "Patient", "id": number, "birthDate": "1970-01-01"})
    personalize("run", sandbox.url, "--as-of", DAY, "--apply")
    assert personalize("erase", sandbox.url, "1").code == 0
    assert ours(sandbox, "1") == []
    assert ours(sandbox, "10") and ours(sandbox, "1-0")
    raw = next((tmp_path / "lake" / "raw").rglob("Patient.ndjson")).read_text()
    assert sorted(json.loads(line)["id"] for line in raw.splitlines()) == ["1-0", "10"]


def test_others_in_the_opt_out_group_stay_in_it(personalize, planted_sandbox, tmp_path):
    members = [{"entity": {"reference": f"Patient/{each}"}} for each in (WHO, OTHER)]
    group = {"resourceType": "Group", "id": "out", "type": "person", "actual": True, "member": members}
    planted_sandbox.store.put(group)
    (tmp_path / "personalize.toml").write_text(
        f'[sources.clinic]\nurl = "{planted_sandbox.url}"\nopt_out_group = "out"\n'
    )
    assert personalize("run", "clinic", "--as-of", DAY, "--apply").code == 0
    assert personalize("erase", "clinic", WHO).code == 0
    (group,) = (tmp_path / "lake" / "raw" / "clinic").rglob("Group.ndjson")
    assert json.loads(group.read_text())["member"] == [members[1]]
    assert naming(tmp_path / "lake", WHO) == []
    assert personalize("flatten", "clinic").code == 0


def test_reviews_and_plans_go_too_and_the_rest_can_be_planned_again(personalize, written, tmp_path):
    words = ["--by", "Dr. A. Example", "--reason", "an emergency of p03-emergency"]
    personalize("review", "decline", written.url, WHO, *words)
    assert personalize("erase", written.url, WHO).code == 0
    assert naming(tmp_path / "lake", WHO) == []
    assert "Run `personalize plan` first" in personalize("apply", written.url).err
    assert "remove" in personalize("plan", written.url).out


def test_an_undo_after_it_brings_nothing_back(personalize, written):
    from service.catalog import Catalog

    personalize("erase", written.url, WHO)
    with Catalog.open(Path("lake/catalog.sqlite")) as catalog:
        runs = catalog.runs_standing(written.url, written.url)
    for run in reversed(runs):
        assert personalize("undo", run).code == 0
    assert ours(written, WHO) == ours(written, OTHER) == []


def test_what_another_installation_wrote_stays(personalize, written, monkeypatch):
    monkeypatch.setenv("PERSONALIZE_INSTALLATION", "north")
    personalize("run", written.url, "--as-of", DAY, "--apply", "--lake", "north")
    assert len(ours(written, WHO)) == 2
    personalize("erase", written.url, WHO, "--lake", "north")
    (kept,) = ours(written, WHO)
    assert kept["meta"]["tag"][0]["code"] == "local"


def test_what_cannot_be_deleted_is_told(personalize, written):
    from fastapi import Response

    from service.sandbox.outcome import operation_outcome

    def refuses(method, path, body):
        return Response(operation_outcome("not-supported", "no"), 405) if method == "DELETE" else None

    written.before = refuses
    said = personalize("erase", written.url, WHO)
    assert said.code == 3
    assert "left     Observation/" in said.out


def test_an_address_that_is_not_ours_is_not_written_to(personalize):
    said = personalize("erase", "https://fhir.example.org/r4", WHO)
    assert said.code == 2


def test_redis_holds_nothing_of_them_either(personalize, written, real_redis, monkeypatch):
    monkeypatch.setenv("PERSONALIZE_REDIS_URL", real_redis)
    client = redis.Redis.from_url(real_redis)
    kept = [f"personalize:profile:{written.url}:Patient/{WHO}x", "personalize:profile:elsewhere:Patient/" + WHO]
    for key in [f"personalize:profile:{written.url}:Patient/{WHO}", *kept]:
        client.set(key, "{}")
    client.set(f"{answers_about(written.url)}digest", "sealed")
    assert personalize("erase", written.url, WHO, "--json").json["cache"] == 2
    assert not client.keys(f"{answers_about(written.url)}*")
    assert sorted(key.decode() for key in client.keys("personalize:profile:*")) == sorted(kept)
