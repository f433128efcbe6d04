"""What a pull brings of what payers said and of whose roles are whose; what the server does not offer is unknown."""

import json

import pytest
from fastapi import Response

ADJUDICATION = "http://terminology.hl7.org/CodeSystem/adjudication"


def clinician_in(role):
    return {"participant": [{"individual": {"reference": f"PractitionerRole/{role}"}}]}


def person(n, **more):
    who = {"reference": f"Patient/x{n}"}
    yield {"resourceType": "Patient", "id": f"x{n}", "birthDate": "1970-01-01"}
    yield {
        "resourceType": "Encounter", "id": f"e{n}", "status": "finished", "subject": who,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "period": {"start": "2026-03-01T10:00:00Z"}, **more,
    }  # fmt: skip
    yield {
        "resourceType": "ExplanationOfBenefit", "id": f"b{n}", "status": "active", "use": "claim", "patient": who,
        "outcome": "complete", "created": "2026-03-01",
        "total": [
            {
                "category": {"coding": [{"system": ADJUDICATION, "code": "copay"}]},
                "amount": {"value": 20 + n, "currency": "USD"},
            }
        ],
    }  # fmt: skip


def role(key, practitioner):
    return {
        "resourceType": "PractitionerRole",
        "id": key,
        "practitioner": {"reference": f"Practitioner/{practitioner}"},
    }


@pytest.fixture
def hospital(sandbox):
    roles = [role("r1", "a"), role("r2", "a"), role("unseen", "b")]
    people = [*person(1, **clinician_in("r1")), *person(2, **clinician_in("r2")), *person(3)]
    sandbox.store.load(json.dumps(each).encode() for each in [*roles, *people])
    return sandbox


def run(personalize, url, *words):
    return personalize("run", url, "--as-of", "2026-07-01", "--json", *words)


def liability(personalize, url, patient):
    measures = personalize("explain", url, patient, "--json").json["measures"]
    return next(each for each in measures if each["code"] == "patient-liability-p1y")


def test_what_payers_say_is_pulled_and_told(personalize, hospital):
    said = run(personalize, hospital.url)
    assert said.code == 0, said.err
    assert said.json["pulled"]["ExplanationOfBenefit"] == 3
    assert said.json["pulled"]["PractitionerRole"] == 3
    told = liability(personalize, hospital.url, "Patient/x1")
    assert (float(told["value"]), told["unit"]) == (21, "USD")


def test_of_few_patients_only_the_roles_that_their_visits_name_are_read(personalize, hospital):
    said = run(personalize, hospital.url, "--patient-limit", "1")
    assert said.json["pulled"]["Patient"] == said.json["pulled"]["PractitionerRole"] == 1
    assert said.json["pulled"]["ExplanationOfBenefit"] == 1


def test_a_server_without_explanations_and_responses_leaves_liability_unknown(personalize, hospital):
    hospital.before = lambda _method, path, _body: (
        Response(status_code=403) if "/ExplanationOfBenefit?" in path or "/ClaimResponse?" in path else None
    )
    said = run(personalize, hospital.url)
    assert said.code == 0, said.err
    assert said.json["pulled"]["ExplanationOfBenefit"] is None
    told = liability(personalize, hospital.url, "Patient/x1")
    assert told["value"] is None
    assert "does not expose" in told["unknown"]
