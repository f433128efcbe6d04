"""With `traces_url` a collector is told of runs, stages, jobs and requests, and of nobody."""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from always import until
from canary import MARKS, leaks
from postgres_server import free_port
from processes import finished
from processes import personalize as process


@pytest.fixture
def collector():
    """An HTTP server that keeps what it is sent: paths and bodies."""

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self):
            server.taken.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_words):
            """Nothing is said of it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Taking) as server:
        server.taken = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def configure(folder, url, collector, port=0):
    traces = f'traces_url = "http://127.0.0.1:{collector.server_port}"\n' if collector else ""
    (folder / "personalize.toml").write_text(
        f'installation = "here"\n{traces}[sources.hospital]\nurl = "{url}"\napply = true\n'
        f'[serve]\nport = {port}\nauth = "off"\n'
        "[jobs]\ndebounce = 0\npoll = 0.1\n"
    )


def spans(collector):
    """(name, parent's name, attributes) of each."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    found = []
    for path, body in list(collector.taken):
        assert path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            found += [each for scope in resource.scope_spans for each in scope.spans]
    names = {each.span_id: each.name for each in found}
    return [(each.name, names.get(each.parent_span_id, ""), attributes(each)) for each in found]


def attributes(span):
    return {each.key.removeprefix("personalize."): _value(each.value) for each in span.attributes}


def _value(value):
    return getattr(value, value.WhichOneof("value"))


def test_runs_stages_jobs_and_requests_are_told_of_and_nobody_else(
    personalize, planted_sandbox, planted, collector, tmp_path
):
    port = free_port()
    resources, _ = planted
    configure(tmp_path, planted_sandbox.url, None)
    assert personalize("run", "hospital", "--apply").code == 0
    configure(tmp_path, planted_sandbox.url, collector, port)
    patient = resources["Patient"][1]["id"]
    assert any(patient in mark for mark in MARKS)
    assert personalize("jobs", "ask", "hospital", patient).code == 0
    serving = process(tmp_path, "serve", "hospital")
    base = f"http://127.0.0.1:{port}"
    until(lambda: answers(f"{base}/readyz"))
    until(
        lambda: not any(personalize("jobs", "list", "hospital", "--json").json[each] for each in ("waiting", "running"))
    )
    assert answers(f"{base}/fhir/Observation?patient={patient}")
    serving.terminate()
    assert finished(serving) == 0
    told = spans(collector)
    [job] = [about for name, _, about in told if name == "job"]
    assert job == {"source": "hospital", "kind": "patient", "jobs": 1, "outcome": "done"}
    assert {(name, parent) for name, parent, _ in told} >= {
        ("run", "job"),
        *((stage, "run") for stage in ("pull", "flatten", "derive", "plan", "apply")),
        ("GET /fhir/{type}", ""),
    }
    assert {about["set_aside"] for name, _, about in told if name in ("derive", "apply")} == {0}
    assert leaks(b"".join(body for _, body in collector.taken).decode("latin-1")) == []


def answers(url):
    try:
        return httpx.get(url, timeout=10).status_code == 200
    except httpx.TransportError:
        return False


def test_without_the_package_it_is_said_what_to_install(personalize, sandbox, collector, tmp_path, monkeypatch):
    configure(tmp_path, sandbox.url, collector)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    said = personalize("worker", "--once")
    assert said.code == 2
    assert "pip install 'fhir-personalization[tracing]'" in said.err


def test_traces_leave_this_machine_by_https_alone(personalize, sandbox, tmp_path):
    (tmp_path / "personalize.toml").write_text(
        f'traces_url = "http://collector.example.org:4318"\n[sources.hospital]\nurl = "{sandbox.url}"\n'
    )
    said = personalize("worker", "--once")
    assert said.code == 2
    assert "by https alone" in said.err
