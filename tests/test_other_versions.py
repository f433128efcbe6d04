"""A source of STU3 or R5 by the front door: pulled by search and by export, derived as in R4, written in its words."""

import importlib
import json

import httpx
import pytest
from expectations import EXPECTED

from fhir_profiles import read_profile
from service.sandbox import Faults, running
from service.sandbox.versions import FHIR_VERSIONS, said_in

LIVING = {who: each["level"] for who, each in EXPECTED.items() if who != "p07-old"}


@pytest.fixture(params=["stu3", "r5"])
def clinic(request, planted):
    """The planted patients at a clinic that speaks that version."""
    resources, _ = planted
    lines = [json.dumps(each).encode() for kind in resources.values() for each in kind]
    with running(patients=0, fhir=request.param, faults=Faults.of("[bulk]\nfile-lines = 20")) as server:
        server.store.load(said_in(request.param, lines))
        server.requests.clear()
        yield server, FHIR_VERSIONS[request.param]


@pytest.mark.parametrize("by", ["search", "bulk"])
def test_its_patients_have_the_levels_that_were_worked_out_for_them(personalize, clinic, by):
    server, version = clinic
    said = personalize("run", server.url, "--pull", by, "--as-of", "2026-07-01", "--apply", "--json")
    assert said.code == 0, said.err
    assert said.json["fhir_version"] == version
    assert said.json["pulled"]["Encounter"] == 56
    expected = {level: sum(each == level for each in LIVING.values()) for level in LIVING.values() if level}
    assert {level: n for level, n in said.json["levels"].items() if level in expected} == expected
    assert said.json["written"]["Observation"] == len(LIVING)


def test_what_is_written_is_of_that_version_once_and_taken_back(personalize, clinic):
    server, version = clinic
    first = personalize("run", server.url, "--as-of", "2026-07-01", "--write", "patient", "--apply", "--json").json
    package = {"3": "fhir.resources.STU3", "5": "fhir.resources"}[version[0]]
    for kind in ("Observation", "Provenance", "Device", "Patient"):
        written = httpx.get(f"{server.url}/{kind}?_count=100").json()["entry"]
        assert len(written) >= first["written"][kind] > 0
        for entry in written:
            importlib.import_module(f"{package}.{kind.lower()}").__dict__[kind].model_validate(entry["resource"])
    panels = httpx.get(f"{server.url}/Observation?_count=100").json()["entry"]
    levels = {entry["resource"]["subject"]["reference"]: read_profile(entry["resource"]).level for entry in panels}
    assert {who: levels[f"Patient/{who}"] for who in LIVING} == LIVING
    again = personalize("run", server.url, "--as-of", "2026-07-01", "--write", "patient", "--apply", "--json").json
    assert again["written"] == {}
    assert personalize("undo", first["run"], "--json").json["set_aside"] == []
    assert "entry" not in httpx.get(f"{server.url}/Observation?_count=100").json()


def test_one_patient_is_explained_by_visits_of_that_version(personalize, clinic):
    server, _ = clinic
    personalize("run", server.url, "--as-of", "2026-07-01", "--json")
    told = personalize("explain", server.url, "p03-emergency", "--json").json
    (visits,) = [each for each in told["measures"] if each["code"] == "ed-visits-p1y"]
    assert float(visits["value"]) == 4


@pytest.mark.parametrize(("version", "number"), FHIR_VERSIONS.items())
def test_the_sandbox_states_its_version_and_speaks_it(version, number):
    with running(patients=3, fhir=version) as server:
        assert httpx.get(f"{server.url}/metadata").json()["fhirVersion"] == number
        visit = httpx.get(f"{server.url}/Encounter?_count=1").json()["entry"][0]["resource"]
        found = httpx.get(f"{server.url}/Encounter?date=ge2020&_summary=count").json()["total"]
    assert ("actualPeriod" in visit) == (version == "r5")
    assert isinstance(visit["class"], list) == (version == "r5")
    assert found > 0
