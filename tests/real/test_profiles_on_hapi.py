"""The standard on a HAPI: installed once, found unchanged, searched by what it defines, and validated against there."""

import datetime as dt

import pytest
from derived_files import Derived, write

from fhir_profiles import CANONICAL
from service.compose import compose, device, read_edition
from service.compose.content import encode

from .asked import errors, found, settled
from .validator.negative import negatives

NOW = dt.datetime(2026, 7, 1, 2, 30, tzinfo=dt.UTC)
PATHWAY, LEVEL = (f"{CANONICAL}/CodeSystem/personalization-{name}" for name in ("pathway", "level"))
PEOPLE = (
    Derived("standard-on-hapi-1", pathways=["usual-clinician"]),
    Derived("standard-on-hapi-2", level="intensive", pathways=["preferred-scheduling", "proactive-outreach"]),
    Derived("standard-on-hapi-3", level="enhanced", pathways=["proactive-outreach"]),
    Derived("standard-on-hapi-4", level=None, level_absent="deceased"),
)


@pytest.fixture
def installed(hapi, personalize):
    """Skipped definition by definition where it stands: other tests share this server."""
    told = personalize("profiles", "install", hapi.base, "--apply", "--json")
    assert told.code == 0, told.out
    return hapi


@pytest.fixture
def people(installed, tmp_path):
    """Patients that bear their profile, with their panels; returns everything that was put, by reference."""
    write(tmp_path, *PEOPLE)
    its = read_edition(tmp_path, source_id="standard-on-hapi", installation="standard-on-hapi", recorded=NOW)
    put = [device(its)]
    for each in compose(tmp_path, its):
        borne = {"extension": [each.extension]} if each.extension else {}
        put += [{"resourceType": "Patient", "id": each.patient.removeprefix("Patient/"), **borne}]
        put += [each.panel, each.provenance]
    with installed.client() as http:
        for resource in put:
            http.put(f"/{resource['resourceType']}/{resource['id']}", content=encode(resource)).raise_for_status()
    return put


def test_a_second_install_writes_nothing(installed, personalize):
    again = personalize("profiles", "install", installed.base, "--apply", "--json").json
    assert [each for each in again["definitions"] if each["action"] != "unchanged"] == []


def test_cohorts_are_exactly_those_patients(installed, people):
    ours = "standard-on-hapi-1,standard-on-hapi-2,standard-on-hapi-3,standard-on-hapi-4"
    query = {"_id": ours, "personalization-pathway": f"{PATHWAY}|proactive-outreach"}
    panels = {each["id"]: each["subject"]["reference"] for each in people if each["resourceType"] == "Observation"}
    with installed.client() as http:
        wanted = {"standard-on-hapi-2", "standard-on-hapi-3"}
        assert settled(lambda: found(http, "Patient", **query), wanted) == wanted
        assert found(http, "Patient", **query, **{"personalization-valid-until": "ge2027-01-01"}) == set()
        assert found(http, "Patient", _id=ours, **{"personalization-level": "intensive"}) == {"standard-on-hapi-2"}
        criteria = {"value-concept": f"{LEVEL}|intensive", "status": "final,amended", "_id": ",".join(panels)}
        assert {panels[each] for each in found(http, "Observation", **criteria)} == {"Patient/standard-on-hapi-2"}


def test_its_own_validation_agrees(installed, people):
    """Every resource written is right, and each negative example is rejected by the rule meant for it."""
    with installed.client() as http:
        for resource in people:
            assert settled(lambda told=resource: errors(http, told), []) == [], resource["resourceType"]
        for name, resource, rule in negatives("r4"):
            said = errors(http, resource)
            assert any(rule in each for each in said), (name, said)
