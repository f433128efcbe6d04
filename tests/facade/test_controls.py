"""The controls that a hospital asks for: who saw what is recorded, nothing leaks by the way, floods are bounded."""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from facade_lake import BUSY, OTHER, bearer
from fhir.resources.R4B import get_fhir_model_class

from service.shelves.journal import beside

BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit"
HEADERS = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


@pytest.fixture
def guarded(served, authority):
    """A server that wants tokens, and what makes them."""
    http = served("requests_per_minute = 100000", tables=authority.settings())
    return http, lambda scope, **more: bearer(authority.token(http.served.base, scope, alg="ES384", **more))


def recorded(http, token, query="_count=200"):
    bundle = http.bundle(f"AuditEvent?{query}", headers=token("system/AuditEvent.rs"))
    found = [entry["resource"] for entry in bundle.get("entry", [])]
    for each in found:
        get_fhir_model_class("AuditEvent").model_validate(each)
    return found


def entities(event, role):
    return [each for each in event["entity"] if each["role"]["code"] == role]


def test_a_read_is_recorded_as_balp_has_it(guarded):
    http, token = guarded
    mine = token("user/*.rs", fhirUser="Practitioner/7", jti="the-token")
    http.get(f"Patient/{BUSY}", headers=mine)
    (event,) = recorded(http, token, f"patient={BUSY}")
    assert event["meta"]["profile"] == [f"{BALP}.PatientRead"]
    assert (event["action"], event["outcome"], event["subtype"][0]["code"]) == ("R", "0", "read")
    (patient,) = entities(event, "1")
    (data,) = entities(event, "4")
    assert patient["what"] == data["what"] == {"reference": f"Patient/{BUSY}"}
    server, client, user = event["agent"]
    assert server["type"]["coding"][0]["code"] == "110153"
    assert (client["who"], client["policy"], client["network"]["address"]) == (
        {"identifier": {"value": "app"}},
        ["urn:jti:the-token"],
        "127.0.0.1",
    )
    assert (user["who"], user["requestor"]) == ({"reference": "Practitioner/7"}, True)


def test_a_search_is_recorded_for_each_patient_who_was_shown_with_its_query(guarded):
    http, token = guarded
    http.get(f"Observation?patient={BUSY},{OTHER}&_revinclude=Provenance:target", headers=token("system/*.rs"))
    found = recorded(http, token)
    by_patient = {entities(each, "1")[0]["what"]["reference"]: each for each in found if entities(each, "1")}
    assert set(by_patient) == {f"Patient/{BUSY}", f"Patient/{OTHER}"}
    for event in by_patient.values():
        assert event["meta"]["profile"] == [f"{BALP}.PatientQuery"]
        assert len(entities(event, "4")) == 2
        (query,) = entities(event, "24")
        assert base64.b64decode(query["query"]).decode().startswith("Observation?patient=p03")


@pytest.mark.parametrize(
    ("path", "scope", "status", "outcome"),
    [
        ("Observation/nothing", "system/*.rs", 404, "4"),
        ("Observation", "system/Patient.rs", 403, "4"),
        ("Observation", None, 401, "4"),
        ("Observation?patient=nobody", "system/*.rs", 200, "0"),
        (f"Patient/{BUSY}/$personalization-profile", "system/*.rs", 200, "0"),
        ("Observation?nonsense=1", "system/*.rs", 400, "4"),
    ],
)
def test_every_access_is_recorded_also_one_that_was_refused(guarded, path, scope, status, outcome):
    http, token = guarded
    answer = http.get(path, headers=token(scope) if scope else {})
    assert answer.status_code == status
    (event,) = recorded(http, token)
    assert event["outcome"] == outcome
    assert recorded(http, token, f"outcome={outcome}")[0] == event


def test_the_record_is_read_like_everything_else(guarded):
    http, token = guarded
    for _ in range(5):
        http.get(f"Patient/{BUSY}", headers=token("system/*.rs"))
    bundle = http.bundle("AuditEvent?_count=2&_sort=-date", headers=token("system/AuditEvent.rs"))
    (link,) = [each["url"] for each in bundle["link"] if each["relation"] == "next"]
    following = http.bundle(link, headers=token("system/AuditEvent.rs"))
    first, then = ({entry["resource"]["id"] for entry in each["entry"]} for each in (bundle, following))
    assert len(first | then) == 4
    (one, *_) = first
    assert http.get(f"AuditEvent/{one}", headers=token("system/AuditEvent.r")).status_code == 200
    assert recorded(http, token, "date=lt2026-07-01") == []


def test_what_cannot_be_recorded_is_not_shown(guarded):
    http, token = guarded
    journal = http.served.accesses._journal
    full, journal._file = journal._file, os.open("/dev/full", os.O_WRONLY)
    answer = http.get(f"Patient/{BUSY}", headers=token("system/*.rs"))
    assert answer.status_code == 503
    assert BUSY not in answer.text
    assert http.get("metadata").status_code == 200
    journal._file = full


def test_what_happened_before_a_kill_is_not_lost(guarded):
    http, token = guarded
    http.get(f"Patient/{BUSY}", headers=token("system/*.rs"))
    audit = http.wiring.lake.audit("clinic")
    left = beside(audit).read_bytes()
    assert BUSY.encode() in left
    assert len(recorded(http, token, f"patient={BUSY}")) == 1
    beside(audit).write_bytes(left)  # killed after it was moved and before it was taken away
    assert len(recorded(http, token, f"patient={BUSY}")) == 1


def test_metrics_count_by_route_and_are_not_for_everybody(served, authority):
    http = served('metrics_token = "scraper"', tables=authority.settings())
    assert http.get("Observation").status_code == 401
    for headers in ({}, bearer("wrong"), {"Authorization": "Bearer"}):
        assert httpx.get(f"{http.root}/metrics", headers=headers).status_code == 401
    text = httpx.get(f"{http.root}/metrics", headers=bearer("scraper")).text
    assert 'personalize_requests_total{method="GET",route="/fhir/{type}",status="401"} 1.0' in text
    open_here = served("", tables=authority.settings())
    assert httpx.get(f"{open_here.root}/metrics").status_code == 200
    assert httpx.get(f"{open_here.root}/metrics", headers={"X-Forwarded-For": "10.0.0.1"}).status_code == 401


def test_every_answer_has_the_headers_of_a_careful_server(served):
    http = served('auth = "off"\nlargest_body = 1000')
    answers = [http.get(path) for path in ("metadata", "Observation", "Observation/x", "a/b/c/d", "Observation?x=1")]
    answers.append(http.post("Observation/_search", content=b"x" * 2000))
    answers.append(http.get("Observation", headers={"Host": "attacker.example"}))
    assert [each.status_code for each in answers] == [200, 200, 404, 404, 400, 413, 421]
    for each in answers:
        assert {name: each.headers.get(name) for name in HEADERS} == HEADERS
        assert "server" not in each.headers


def test_browsers_ask_from_origins_that_are_named_and_learn_what_is_served_from_any(served):
    http = served('auth = "off"\norigins = ["https://app.example.org"]')
    allowed = "access-control-allow-origin"
    mine, other = {"Origin": "https://app.example.org"}, {"Origin": "https://app.example.org.evil.example"}
    assert http.get("Observation", headers=mine).headers[allowed] == "https://app.example.org"
    for origin in (other, {"Origin": "null"}, {"Origin": "http://app.example.org"}):
        assert allowed not in http.get("Observation", headers=origin).headers
    for open_to_all in ("metadata", ".well-known/smart-configuration"):
        assert http.get(open_to_all, headers=other).headers[allowed] == "*"
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    preflight = http.options("Observation", headers={**mine, **asked})
    assert (preflight.status_code, preflight.headers[allowed]) == (204, "https://app.example.org")
    assert "Authorization" in preflight.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in preflight.headers
    assert allowed not in http.options("Observation", headers={**other, **asked}).headers


def test_a_body_is_read_so_far_and_no_further_whatever_it_says_of_itself(served):
    http = served('auth = "off"\nlargest_body = 2000')
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert http.post("Observation/_search", content=b"_count=1", headers=form).status_code == 200
    stated = http.post("Observation/_search", content=b"x=" + b"1" * 3000, headers=form)

    def endless():
        for _ in range(10):
            yield b"x" * 1000

    unstated = http.post("Observation/_search", content=endless(), headers=form)
    for each in (stated, unstated):
        assert (each.status_code, each.json()["issue"][0]["code"]) == (413, "too-long")
    many = http.post("Observation/_search", content=b"&".join([b"a=1"] * 200), headers=form)
    assert many.status_code == 400


def test_who_says_that_too_much_comes_is_answered_before_it_does(served):
    http = served('auth = "off"\nlargest_body = 2000')
    url = http.base_url
    with socket.create_connection((url.host, url.port), timeout=20) as connection:
        head = f"POST /fhir/Observation/_search HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: 3000\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_a_client_that_asks_too_often_waits_and_others_do_not(served, authority):
    http = served("requests_per_minute = 20", tables=authority.settings())
    greedy, other = (
        bearer(authority.token(http.served.base, "system/*.rs", alg="ES384", client_id=name)) for name in ("a", "b")
    )
    statuses = [http.get("Patient?_count=1", headers=greedy).status_code for _ in range(8)]
    assert statuses == [200] * 5 + [429] * 3
    waits = http.get("Patient?_count=1", headers=greedy)
    assert (waits.json()["issue"][0]["code"], int(waits.headers["retry-after"]) > 0) == ("throttled", True)
    assert http.get("Patient?_count=1", headers=other).status_code == 200


def test_who_fails_again_and_again_is_not_looked_at_any_more(served, authority):
    http = served("requests_per_minute = 20", tables=authority.settings())
    statuses = [http.get("Patient", headers=bearer("wrong")).status_code for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2


def test_the_record_and_the_profiles_are_for_their_owner_alone(served):
    http = served()
    http.get("Patient")
    lake = http.wiring.lake
    for file in (lake.served("clinic"), lake.audit("clinic")):
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.fixture
def process(hospital, tmp_path):
    """`personalize serve` as a person types it."""
    lake = shutil.copytree(hospital[0] / "lake", tmp_path / "lake")
    text = f'[sources.clinic]\nurl = "{hospital[1]}"\n[serve]\ndrain = 1.0\n'
    (tmp_path / "personalize.toml").write_text(text)
    root = Path(__file__).parent.parent.parent
    words = [sys.executable, "-m", "service.cli", "serve", "--auth", "off", "--port", "0", "--lake"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    started = subprocess.Popen([*words, str(lake)], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
    yield started, started.stdout.readline().split()[0]
    started.kill()
    started.wait()


def test_told_to_end_it_first_says_that_it_is_not_ready_and_then_ends_well(process):
    started, base = process
    ready = base.replace("/fhir", "/readyz")
    with httpx.Client() as http:
        assert http.get(f"{base}/metadata").json()["implementation"]["url"] == base
        assert http.get(ready).status_code == 200
        started.send_signal(signal.SIGTERM)
        told = []
        watching = threading.Event()
        while not watching.wait(0.02) and started.poll() is None:
            try:
                told.append(http.get(ready).status_code)
            except httpx.HTTPError:
                break
    assert started.wait(20) in (0, -signal.SIGTERM)
    assert 503 in told
    assert json.dumps(told).count("500") == 0


def test_what_is_under_way_when_it_is_told_to_end_is_still_answered(process):
    started, base = process
    address = urlsplit(base)
    body = f"patient={BUSY}".encode()
    head = f"POST /fhir/Observation/_search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=60) as slow:
        slow.sendall(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode() + body[:5])
        assert listens(base)
        started.send_signal(signal.SIGTERM)
        while listens(base):
            time.sleep(0.05)
        assert started.poll() is None, "it waits for what is under way"
        slow.sendall(body[5:])
        answer = slow.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200") and b'"resourceType":"Bundle"' in answer
    assert started.wait(20) in (0, -signal.SIGTERM)


def listens(base):
    try:
        return bool(httpx.get(base.replace("/fhir", "/healthz")).status_code)
    except httpx.ConnectError:
        return False
