"""Faults 19 and 24 (writing): a patient is deleted, comes back, or is merged into another."""

import json

import pytest

DAY = "2026-07-01"


def visit(name, patient):
    return {
        "resourceType": "Encounter",
        "id": name,
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{patient}"},
        "period": {"start": "2026-05-01T10:00:00Z"},
    }


def person(name, **more):
    return {"resourceType": "Patient", "id": name, "birthDate": "1970-01-01", **more}


@pytest.fixture
def hospital(sandbox, personalize):
    """A server with patients x and y, and a run on it."""
    for resource in (person("x"), person("y"), visit("e1", "x"), visit("e2", "y")):
        sandbox.store.put(resource)

    def night(*words):
        said = personalize("run", sandbox.url, "--as-of", DAY, "--apply", "--write", "patient", "--json", *words)
        assert said.code == 0, said.err + said.out
        return said.json

    night()
    sandbox.night = night
    return sandbox


def subjects(sandbox):
    bodies = [
        sandbox.store.read(*each.split("/")).body for each in sandbox.versions() if each.startswith("Observation")
    ]
    return sorted(json.loads(each)["subject"]["reference"] for each in bodies)


def delete(sandbox, *references):
    import httpx

    for reference in references:
        assert httpx.delete(f"{sandbox.url}/{reference}").status_code == 204


def test_a_deleted_patient_has_no_profile_and_one_that_returns_has_one(hospital):
    delete(hospital, "Encounter/e2", "Patient/y")
    hospital.night("--max-removals", "1")
    assert subjects(hospital) == ["Patient/x"]
    hospital.store.put(person("y"))
    hospital.store.put(visit("e2", "y"))
    hospital.night()
    assert subjects(hospital) == ["Patient/x", "Patient/y"]


def test_merged_patients_leave_one_surviving_profile(hospital):
    hospital.store.put(person("y", active=False, link=[{"other": {"reference": "Patient/x"}, "type": "replaced-by"}]))
    told = hospital.night("--max-removals", "1")
    assert subjects(hospital) == ["Patient/x"]
    assert told["profiles"] == 1
    assert hospital.night()["written"] == {}
