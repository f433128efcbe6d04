"""A running sandbox: its address, what it was asked, and what a test may do before it answers."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys

import httpx
import pytest
from fastapi import Response

from service.errors import PersonalizeError
from service.sandbox import running


def test_every_request_is_noted_and_writes_are_told_apart(client, patient):
    client.get("/Patient?_count=1")
    client("POST", "/Patient/_search", data={"_id": "p1"})
    client.get("/Patient/p1")
    assert client.sandbox.writes == []
    client.put(patient)
    client.bundle("transaction")
    assert client.sandbox.requests == [
        ("GET", "/fhir/Patient?_count=1", 200),
        ("POST", "/fhir/Patient/_search", 200),
        ("GET", "/fhir/Patient/p1", 404),
        ("PUT", "/fhir/Patient/p1", 201),
        ("POST", "/fhir", 200),
    ]
    assert [served.method for served in client.sandbox.writes] == ["PUT", "POST"]


def test_somebody_else_may_write_between_a_read_and_a_write(client, patient):
    client.put(patient)

    def clinician(method, path, body):
        if method == "PUT" and b"other" in body:
            client.sandbox.store.put(patient | {"gender": "male"})

    client.sandbox.before = clinician
    assert client.put(patient | {"gender": "other"}, If_Match='W/"1"').status_code == 412
    assert client.get("/Patient/p1").json()["gender"] == "male"


def test_a_hook_may_send_requests_to_the_same_server(client, patient):
    def nested(method, path, body):
        if method == "GET":
            httpx.put(f"{client.url}/Patient/p1", json=patient)

    client.sandbox.before = nested
    assert client.get("/Patient/p1").status_code == 200


def test_a_failure_can_be_played(client, patient):
    client.sandbox.before = lambda method, _path, _body: Response(status_code=503) if method == "PUT" else None
    assert client.put(patient).status_code == 503
    assert client.sandbox.requests == [("PUT", "/fhir/Patient/p1", 503)]
    client.sandbox.before = None
    assert client.put(patient).status_code == 201


def test_a_taken_port_is_said(sandbox):
    port = int(sandbox.url.split(":")[2].split("/")[0])
    with pytest.raises(PersonalizeError, match="port is taken") as raised, running(patients=0, port=port):
        pass
    assert raised.value.where == f"127.0.0.1:{port}"
    assert raised.value.do


def test_fewer_than_no_patients_are_refused():
    with pytest.raises(PersonalizeError, match="fewer"), running(patients=-1):
        pass


def test_a_sandbox_listens_on_loopback_and_is_gone_afterwards():
    with running(patients=0) as sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{sandbox.url}/metadata").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{sandbox.url}/metadata")


def test_two_sandboxes_know_nothing_of_each_other(patient):
    with running(patients=0) as one, running(patients=0) as other:
        one.store.put(patient)
        assert (one.versions(), other.versions()) == ({"Patient/p1": 1}, {})


def test_planted_resources_are_loaded_whatever_they_lack(sandbox, client):
    sandbox.store.load([b'{"resourceType": "Patient", "id": "bare"}', b'{"id":"x","resourceType":"Basic","meta":{}}'])
    assert sandbox.versions() == {"Patient/bare": 1, "Basic/x": 1}
    assert client.get("/Patient/bare").json()["meta"]["versionId"] == "1"


def test_ctrl_c_ends_serving_without_a_traceback():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = f"from service.sandbox import serve; serve(patients=3, port={port})"
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
    announced = process.stderr.readline()
    assert f"http://127.0.0.1:{port}/fhir" in announced
    assert httpx.get(f"http://127.0.0.1:{port}/fhir/Patient?_summary=count").json()["total"] >= 3
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "")
