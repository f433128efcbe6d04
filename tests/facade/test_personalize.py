"""Profiles made anew on request: begun, watched, cancelled, and by whom."""

import threading
import time

import pytest
from facade_lake import BUSY, OTHER, bearer

from service.errors import LakeProblem

ASYNC = {"Prefer": "respond-async"}


def naming(*references):
    parameters = [{"name": each.split("/")[0].lower(), "valueReference": {"reference": each}} for each in references]
    return {"resourceType": "Parameters", "parameter": parameters}


def ended(http, url, headers=None):
    """The answer that is no longer 202."""
    over = time.monotonic() + 60
    while (answer := http.get(url, headers=headers)).status_code == 202 and time.monotonic() < over:
        assert answer.headers["retry-after"] and answer.headers["x-progress"]
        time.sleep(0.05)
    return answer


def test_one_patient_is_read_again_and_everybody_else_stays(served):
    http = served('auth = "off"\nrequests_per_minute = 100000')
    before = {each["subject"]["reference"]: each for each in panels(http)}
    begun = http.post("$personalize", json=naming(f"Patient/{BUSY}"), headers=ASYNC)
    assert (begun.status_code, begun.content) == (202, b"")
    assert BUSY not in begun.headers["content-location"]
    told = ended(http, begun.headers["content-location"])
    assert told.json() == {"resourceType": "Parameters", "parameter": [{"name": "profiles", "valueInteger": 1}]}
    after = {each["subject"]["reference"]: each for each in panels(http)}
    changed = {who for who, panel in after.items() if panel != before[who]}
    assert (changed, set(after)) == ({f"Patient/{BUSY}"}, set(before))
    assert after[f"Patient/{BUSY}"]["issued"] > before[f"Patient/{BUSY}"]["issued"]
    recorded = [entry["resource"] for entry in http.bundle(f"AuditEvent?patient={BUSY}&_count=200")["entry"]]
    assert "operation" in {each["subtype"][0]["code"] for each in recorded}


def panels(http):
    return [entry["resource"] for entry in http.bundle("Observation?_count=200")["entry"]]


@pytest.fixture
def guarded(served, authority):
    """A server whose jobs wait until the test lets them go on."""
    http = served("requests_per_minute = 100000", tables=authority.settings())
    go = threading.Event()

    def work(job):
        go.wait(30)
        return len(job.patients)

    http.served.jobs._work = work
    yield http, lambda scope, **more: bearer(authority.token(http.served.base, scope, alg="ES384", **more)), go
    go.set()


@pytest.mark.parametrize(
    ("scope", "context", "named", "status"),
    [
        ("system/Observation.u", {}, [f"Patient/{BUSY}"], 202),
        ("system/Observation.cruds", {}, ["Group/g"], 202),
        ("system/Observation.write", {}, [f"Patient/{BUSY}", f"Patient/{OTHER}"], 202),
        ("system/Observation.rs", {}, [f"Patient/{BUSY}"], 403),
        ("system/Patient.u", {}, [f"Patient/{BUSY}"], 403),
        ("system/Observation.u?value-concept=intensive", {}, [f"Patient/{BUSY}"], 403),
        ("user/Observation.u", {"fhirUser": "Practitioner/1"}, ["Group/g"], 202),
        ("user/Observation.u", {}, [f"Patient/{BUSY}"], 403),
        ("patient/Observation.u", {"patient": BUSY}, [f"Patient/{BUSY}"], 202),
        ("patient/Observation.u", {"patient": BUSY}, [f"Patient/{BUSY}", f"Patient/{OTHER}"], 403),
        ("patient/Observation.u", {"patient": BUSY}, ["Group/g"], 403),
        ("patient/Observation.u", {}, [f"Patient/{BUSY}"], 403),
    ],
)
def test_it_needs_the_scope_to_update_everybody_whom_it_names(guarded, scope, context, named, status):
    http, token, _ = guarded
    answer = http.post("$personalize", json=naming(*named), headers={**token(scope, **context), **ASYNC})
    assert answer.status_code == status
    assert ("content-location" in answer.headers) == (status == 202)


def test_a_job_is_told_of_to_who_began_it_alone(guarded):
    http, token, go = guarded
    mine, other = token("system/Observation.u"), token("system/*.cruds", client_id="another")
    place = http.post("$personalize", json=naming(f"Patient/{BUSY}"), headers={**mine, **ASYNC}).headers[
        "content-location"
    ]
    assert http.get(place).status_code == 401
    for ask in (http.get, http.delete):
        assert ask(place, headers=other).status_code == 404
    assert http.get(place, headers=mine).status_code == 202
    go.set()
    assert ended(http, place, mine).json()["parameter"][0]["valueInteger"] == 1


def test_a_job_that_waits_or_is_under_way_is_cancelled(guarded):
    http, token, go = guarded
    mine = token("system/Observation.u")
    running, waiting = (
        http.post("$personalize", json=naming(f"Patient/{who}"), headers={**mine, **ASYNC}).headers["content-location"]
        for who in (BUSY, OTHER)
    )
    for place in (waiting, running):
        assert http.delete(place, headers=mine).status_code == 202
    assert http.get(waiting, headers=mine).status_code == 404
    go.set()
    assert ended(http, running, mine).status_code == 404


def test_too_many_wait_no_longer(guarded):
    http, token, _ = guarded
    mine = {**token("system/Observation.u"), **ASYNC}
    statuses = [http.post("$personalize", json=naming(f"Patient/{BUSY}"), headers=mine).status_code for _ in range(12)]
    assert statuses == [202] * 10 + [429] * 2


def test_one_that_fails_says_so_and_nothing_else(guarded):
    http, token, _ = guarded
    mine = {**token("system/Observation.u"), **ASYNC}
    for error in (LakeProblem("another run is at work"), RuntimeError(BUSY)):

        def work(_, error=error):
            raise error

        http.served.jobs._work = work
        place = http.post("$personalize", json=naming(f"Patient/{BUSY}"), headers=mine).headers["content-location"]
        answer = ended(http, place, mine)
        assert (answer.status_code, answer.json()["resourceType"]) == (500, "OperationOutcome")
        assert BUSY not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"resourceType": "Parameters"},
        {"resourceType": "Parameters", "parameter": []},
        naming(f"Patient/{BUSY}", "Group/g"),
        naming("Group/g", "Group/h"),
        {"resourceType": "Parameters", "parameter": [{"name": "patient", "valueString": BUSY}]},
        {"resourceType": "Parameters", "parameter": [{"name": "patient", "valueReference": {"reference": "Group/g"}}]},
        {"resourceType": "Parameters", "parameter": [{"name": "nonsense"}]},
        naming("Patient/a b"),
        naming(*[f"Patient/{n}" for n in range(51)]),
    ],
)
def test_what_names_nobody_or_too_many_is_refused(guarded, body):
    http, token, _ = guarded
    mine = token("system/Observation.u")
    assert http.post("$personalize", json=body, headers={**mine, **ASYNC}).status_code == 400


def test_it_is_answered_asynchronously_alone(guarded):
    http, token, _ = guarded
    answer = http.post("$personalize", json=naming(f"Patient/{BUSY}"), headers=token("system/Observation.u"))
    assert (answer.status_code, "respond-async" in answer.text) == (400, True)
