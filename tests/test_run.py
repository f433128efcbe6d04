"""A whole run through the front door on the embedded server: what is derived, written, left alone, taken back."""

import json

import httpx
import pytest

from fhir_profiles.read import read_profile

DAY_ONE, DAY_TWO = "2026-07-01", "2026-07-02"
EXTENSION = "https://w3id.org/fhir-personalization/StructureDefinition/patient-personalization"


def visit(identity, start, **more):
    return {
        "resourceType": "Encounter",
        "id": identity,
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": "Patient/x"},
        "period": {"start": start},
        **more,
    }


@pytest.fixture
def one(sandbox):
    """A server with one patient, who comes when the test says."""

    def comes(*visits):
        everything = [{"resourceType": "Patient", "id": "x", "birthDate": "1970-01-01"}, *visits]
        sandbox.store.load(json.dumps(each).encode() for each in everything)
        return sandbox

    return comes


def measures(personalize, sandbox, *words):
    """The measures of Patient/x of a run, by code."""
    run = personalize("run", sandbox.url, "--json", *words)
    assert run.code == 0, run.err
    told = personalize("explain", sandbox.url, "x", "--json").json["measures"]
    return run.json, {measured["code"]: measured["value"] for measured in told}


def test_levels_of_the_planted_patients(personalize, planted_sandbox, planted):
    _, expected = planted
    told = personalize("run", planted_sandbox.url, "--as-of", DAY_ONE, "--apply", "--json").json
    panels = {panel["subject"]["reference"]: read_profile(panel) for panel in _panels(planted_sandbox)}
    assert told["profiles"] == len(panels) == sum(each.get("profile", True) for each in expected.values())
    assert "Patient/p07-old" not in panels
    for name, wanted in expected.items():
        if name not in ("p05-readmitted", "p13-fragmented", "p07-old"):
            assert panels[f"Patient/{name}"].level == wanted["level"], name


def _panels(sandbox):
    bundle = httpx.get(f"{sandbox.url}/Observation?_count=1000").json()
    return [entry["resource"] for entry in bundle["entry"]]


def test_a_second_run_writes_nothing_from_a_fresh_lake_too(personalize, planted_sandbox):
    url = planted_sandbox.url
    personalize("run", url, "--as-of", DAY_ONE, "--apply", "--write", "patient")
    stood = planted_sandbox.versions()
    for lake in ("lake", "fresh"):
        again = personalize("run", url, "--as-of", DAY_ONE, "--apply", "--write", "patient", "--lake", lake)
        assert again.code == 0
        assert "nothing: all of it stands there already" in again.out
    assert planted_sandbox.versions() == stood


def test_a_day_later_only_what_moved_is_written(personalize, planted_sandbox):
    url = planted_sandbox.url
    personalize("run", url, "--as-of", DAY_ONE, "--apply", "--write", "patient")
    stood = planted_sandbox.versions()
    personalize("run", url, "--as-of", DAY_TWO, "--apply", "--write", "patient")
    newer = {name for name, version in planted_sandbox.versions().items() if stood.get(name, 0) < version}
    moved = [panel["subject"]["reference"] for panel in _panels(planted_sandbox) if _name(panel) in newer]
    assert sorted(moved) == [
        "Patient/p07-survivor",
        "Patient/p12-edges",
    ]  # a visit left the month; one came of that day
    assert not any(name.startswith("Patient/") for name in newer)


def _name(resource):
    return f"{resource['resourceType']}/{resource['id']}"


def test_undo_leaves_the_server_as_it_was(personalize, planted_sandbox):
    url = planted_sandbox.url
    before = _patients(url)
    run = personalize("run", url, "--as-of", DAY_ONE, "--apply", "--write", "patient", "--json").json["run"]
    assert sum(EXTENSION in json.dumps(patient) for patient in _patients(url)) == 15
    undone = personalize("undo", run)
    assert (undone.code, "16 Observation" in undone.out) == (0, True)
    assert _patients(url) == before
    assert "entry" not in httpx.get(f"{url}/Observation").json()
    assert "nothing of that run is left" in personalize("undo", run).out


def _patients(url):
    entries = httpx.get(f"{url}/Patient?_count=100&_sort=_id").json()["entry"]
    return [{key: value for key, value in entry["resource"].items() if key != "meta"} for entry in entries]


def test_the_stages_one_by_one_end_as_a_run_does(personalize, planted_sandbox):
    url = planted_sandbox.url
    for words in (["pull"], ["flatten"], ["derive"], ["plan"], ["apply"]):
        more = ["--as-of", DAY_ONE] if words == ["derive"] else []
        assert personalize(*words, url, *more).code == 0
    assert len(_panels(planted_sandbox)) == 16
    assert "16 unchanged" in personalize("run", url, "--as-of", DAY_ONE).out


def test_a_stage_before_its_time_names_the_verb_that_is_missing(personalize, sandbox):
    said = personalize("plan", sandbox.url)
    assert said.code == 1
    assert "Run `personalize derive` first" in said.err


def test_as_of_latest_is_the_midnight_after_the_latest_visit_and_never_in_the_future(personalize, one):
    server = one(visit("old", "2020-03-04T10:00:00Z"), visit("typo", "2099-01-01T00:00:00Z"))
    run, told = measures(personalize, server, "--as-of", "latest")
    assert run["as_of"] == "2020-03-05T00:00:00+00:00"
    assert (told["visits-p7d"], told["visits-p1y"]) == (1, 1)


def test_data_older_than_every_window_is_said_with_the_remedy(personalize, one):
    run, told = measures(personalize, one(visit("old", "2020-03-04T10:00:00Z")))
    assert told["visits-p1y"] == 0
    assert run["notes"] == ["the latest visit is of 2020-03-04, before every window: try --as-of latest"]


def test_windows_end_at_midnight_where_the_source_is(personalize, one, tmp_path):
    server = one(visit("late", "2026-07-01T03:30:00Z"))
    (tmp_path / "personalize.toml").write_text(
        f'[sources.clinic]\nurl = "{server.url}"\ntime_zone = "America/New_York"\n'
    )
    run, told = measures(personalize, server, "--as-of", DAY_ONE)
    assert run["as_of"] == "2026-07-01T04:00:00+00:00"
    assert run["source"] == "clinic"
    assert told["visits-p7d"] == 1


def test_as_of_that_is_no_date_is_wrong_usage(personalize, one):
    said = personalize("run", one().url, "--as-of", "yesterday")
    assert said.code == 2
    assert "--as-of 'yesterday' is no date" in said.err


def test_an_unknown_patient_is_wrong_usage(personalize, one):
    server = one(visit("a", "2026-03-04T10:00:00Z"))
    personalize("run", server.url)
    said = personalize("explain", server.url, "nobody")
    assert said.code == 2
    assert "no profile" in said.err


def test_two_runs_at_once_take_turns(personalize, one, tmp_path):
    from service.jobs import locks

    server = one(visit("a", "2026-03-04T10:00:00Z"))
    with locks.held(server.url, tmp_path / "lake"):
        said = personalize("run", server.url)
    assert said.code == 1
    assert "another run is at work" in said.err


def test_ids_longer_than_the_specification_allows_are_ids_all_the_same(personalize, sandbox):
    """Seen on Epic: more than 64 characters."""
    person, came, role = "p" * 90, "v" * 120, "r" * 80
    seen_by = {"individual": {"reference": f"PractitionerRole/{role}"}}
    each = visit(came, "2026-05-01T09:00:00Z", participant=[seen_by]) | {"subject": {"reference": f"Patient/{person}"}}
    clinician = {"resourceType": "PractitionerRole", "id": role, "practitioner": {"reference": "Practitioner/d"}}
    patient = {"resourceType": "Patient", "id": person, "birthDate": "1970-01-01"}
    sandbox.store.load(json.dumps(resource).encode() for resource in (patient, each, clinician))
    words = ("--as-of", DAY_ONE, "--patient-limit", 5, "--apply", "--json")
    told = personalize("run", sandbox.url, *words)
    assert told.code == 0, told.err
    assert told.json["set_aside"] == [] and told.json["pulled"]["PractitionerRole"] == 1
    [panel] = _panels(sandbox)
    assert panel["subject"]["reference"] == f"Patient/{person}"
    assert read_profile(panel).measure("visits-p1y").value == 1
