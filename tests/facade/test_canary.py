"""Marked names and numbers in the data, every route driven, attacked and broken: where they do not belong is none."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import structlog
from canary import IDS, MARKS, NAME, NAMES, REASON, RECORD, SAID, leaks, repeated
from facade_lake import BUSY, OTHER, authority_running, bearer, opened

from service.shelves.journal import beside

TESTS = Path(__file__).parents[1]
SETTINGS = 'patient = "whole"\nreports = ["visits"]\napp_client_id = "page"\nrequests_per_minute = 1000000'
QUERIES = ["", f"?patient={BUSY}", f"?{BUSY}=1", f"?_id={BUSY}&date={NAME}", f"?_sort={RECORD}", f"?_page={BUSY}"]


@pytest.fixture
def house(hospital, tmp_path):
    with authority_running() as authority:
        hook = f'[serve.hooks.ehr]\nissuer = "{authority.url}"\njwks_url = "{authority.url}/jwks"\n'
        with opened(hospital, tmp_path, SETTINGS, tables=authority.settings() + hook) as http:
            http.served.jobs._work = lambda _: 0
            yield http, authority


def askers(http, authority):
    """Nobody, somebody who claims to be everybody, one from elsewhere, a patient, and everybody."""
    yield {}
    yield bearer(f"{BUSY}.{NAME}.{RECORD}")
    yield bearer(authority.token("https://elsewhere.example", "system/*.rs", sub=BUSY, client_id=NAME))
    for scope in ("patient/*.cruds", "system/*.cruds system/AuditEvent.rs"):
        yield bearer(authority.token(http.served.base, scope, patient=BUSY, fhirUser="Practitioner/1"))


def bodies():
    context = {"userId": "Practitioner/1", "patientId": BUSY}
    hook = {"hook": "patient-view", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "context": context}
    named = {"name": "patient", "valueReference": {"reference": f"Patient/{BUSY}"}}
    for body in (
        hook,
        hook | {"fhirServer": f"https://{NAME}.example/{BUSY}"},
        hook | {"context": context | {"patientId": f"{BUSY} {NAME}"}},
        {"resourceType": "Parameters", "parameter": [named]},
        {"feedback": [{"card": BUSY, "outcome": NAME, "outcomeTimestamp": RECORD}]},
    ):
        yield json.dumps(body).encode(), "application/json"
    yield f'{{"{NAME}": 1, "{NAME}": 2}}'.encode(), "application/json"
    yield f"patient={BUSY}&{NAME}={RECORD}".encode(), "application/x-www-form-urlencoded"
    yield NAME.encode() * 200_000, "application/json"


def requests(http, authority):
    """(method, address, headers, body): each route with what is right, and with what is marked and wrong."""
    everybody = [*askers(http, authority)]
    for path, methods in httpx.get(f"{http.root}/openapi.json").json()["paths"].items():
        for url in (http.root + place for place in places(path)):
            for method in methods:
                posts = method == "post"
                asked = posted(authority, url, everybody) if posts else got(url, everybody, searched="{type}" in path)
                yield from ((method, *each) for each in asked)
    yield from (
        ("patch", f"{http.root}/fhir/Patient/{BUSY}", {}, None),
        ("get", f"{http.root}/{BUSY}/{NAME}", {}, None),
    )


def got(url, everybody, *, searched):
    for asker in everybody:
        yield from ((url + query, asker, None) for query in (QUERIES if searched else QUERIES[:1]))


def posted(authority, url, everybody):
    """The token of an EHR is for exactly this address, and for once."""
    for body, kind in bodies():
        for asker in (*everybody[-2:], bearer(authority.token(url, None, header={"typ": "JWT"}))):
            yield url, {**asker, "Content-Type": kind, "Prefer": "respond-async"}, body
    yield from ((url, asker, b"") for asker in everybody)


def places(path):
    path = path.replace("{service}", "personalization-patient-view").replace("{job}", BUSY).replace("{name}", BUSY)
    for type, id in (("Patient", BUSY), ("Observation", OTHER), ("AuditEvent", BUSY), (NAME, RECORD)):
        yield path.replace("{type}", type).replace("{id}", id)
        if "{type}" not in path:
            return


def driven(http, authority):
    """How many were answered, and the text of what was refused."""
    refused, count = [], 0
    with httpx.Client() as asking:
        for method, url, bears, body in requests(http, authority):
            answer = asking.request(method, url, headers=bears, content=body)
            count += 1
            if answer.status_code >= 400:
                refused.append(answer.text + str(answer.headers))
    return count, refused


def broken(http):
    """Each way to a resource is a defect whose words name a patient."""

    def fails(*_, **__):
        raise RuntimeError(f"Patient/{BUSY} {NAME} {RECORD}")

    for name in ("read", "profile", "page", "count", "gist"):
        setattr(http.served.shelf, name, fails)


def said_of(http, capfd):
    captured = capfd.readouterr()
    return captured.err + captured.out, httpx.get(f"{http.root}/metrics").text


def test_no_log_metric_or_error_repeats_anything_of_a_patient(house, capfd):
    http, authority = house
    count, refused = driven(http, authority)
    broken(http)
    worse = driven(http, authority)[1]
    log, metrics = said_of(http, capfd)
    assert count > 500 and len(refused) > 300 and len(worse) > len(refused)
    assert "RuntimeError" in log and "token refused" in log and log.count("answered") > count
    assert "/fhir/{type}/{id}" in log and 'route="/fhir/{type}/{id}"' in metrics
    for text in (log, metrics, *refused, *worse):
        assert leaks(text) == [], text[:1000]


def test_the_record_of_accesses_names_whom_it_is_about_by_id_and_nothing_else_of_them(house):
    http, authority = house
    everybody = bearer(authority.token(http.served.base, "system/*.cruds system/AuditEvent.rs"))
    for path in (f"Patient/{BUSY}", "Observation", "Patient", f"Patient/{OTHER}/$personalization-profile"):
        assert http.get(path, headers=everybody).status_code == 200
    assert leaks(http.get(f"Patient/{BUSY}", headers=everybody).text, NAMES) == [NAME, RECORD]
    written = beside(http.wiring.lake.audit("clinic")).read_text()
    found = http.get("AuditEvent?_count=200", headers=everybody).text
    for text in (written, found):
        assert leaks(text, NAMES) == [] and BUSY in text
        queries = [base64.b64decode(each["query"]).decode() for each in entities(text) if "query" in each]
        assert leaks(" ".join(queries), NAMES) == []


def entities(text):
    decoder = json.JSONDecoder()
    starts = [at for at in range(len(text)) if text.startswith('"entity":', at)]
    return [each for at in starts for each in decoder.raw_decode(text, at + len('"entity":'))[0]]


@pytest.mark.parametrize("leak", [BUSY, NAME, RECORD, REASON.upper()])
def test_a_leak_is_found(house, capfd, leak):
    """Planted where a read is answered: the same search of the same log finds it."""
    http, authority = house
    shelf = http.served.shelf
    reads = shelf.read
    shelf.read = lambda *words: structlog.get_logger().info("found", what=f"<{leak}>") or reads(*words)
    everybody = bearer(authority.token(http.served.base, "system/*.rs"))
    assert http.get(f"Patient/{OTHER}", headers=everybody).status_code == 200
    log, metrics = said_of(http, capfd)
    assert [each.lower() for each in leaks(log)] == [leak.lower()]
    assert leaks(metrics) == []


@pytest.mark.parametrize(("said", "code"), [("route=/fhir/{type}", 0), (f"GET /fhir/Patient/{BUSY}", 1)])
def test_a_test_whose_server_logs_a_patient_fails(tmp_path, said, code):
    """What watches every test here, over a test of one line."""
    (tmp_path / "conftest.py").write_text(
        "from canary import MARKS, watching\npytest_runtest_makereport = watching(MARKS)\n"
    )
    (tmp_path / "test_one.py").write_text(f"import sys\ndef test_one():\n    print({said!r}, file=sys.stderr)\n")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(words, env={**os.environ, "PYTHONPATH": str(TESTS)}, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("what was logged repeats of a patient" in done.stdout) == bool(code)


def test_a_leak_into_what_a_process_printed_is_found_when_all_is_over(tmp_path):
    (tmp_path / "lake").mkdir()
    for name, text in ((f"good{SAID}", "3 patients"), (f"lake/bad{SAID}", f"who is {NAME}?"), ("raw.ndjson", NAME)):
        (tmp_path / name).write_text(text)
    assert repeated(tmp_path) == (2, [f"{tmp_path}/lake/bad{SAID}: {NAME}"])
    (tmp_path / "lake" / f"bad{SAID}").unlink()  # or the whole session would fail by it


def test_the_marks_stand_nowhere_else():
    """A mark that the code or the standard said by itself would be found for no reason."""
    said = [path.read_text() for path in (TESTS.parent / "service").rglob("*.py")]
    assert leaks(" ".join(said)) == [] and set(IDS) < set(MARKS)
