"""What the Bulk Data client sends, what it believes, and what it waits for; an https server that looks at each request.

The ids in the tests' names' order are those of the requirements in docs/conformance.md.
"""

import asyncio
import datetime as dt
import json
from email.utils import format_datetime

import httpx
import pytest
import respx
from sleeping import sleep_by

from service.errors import NotFhir, PersonalizeError, Refused, ServerProblem, WrongUsage
from service.server import bulk
from service.server.auth.keys import write_new_key
from service.server.bulk import Order
from service.server.client import FhirServer
from service.server.egress import of_export
from service.settings import Source

BASE = "https://fhir.example/r4"
STATUS = "https://fhir.example/jobs/1"
FILE = "https://fhir.example/files/1.ndjson"
ORDER = Order("Patient", ("Patient", "Encounter"), since="2026-07-01T00:00:00Z")
MANIFEST = {
    "transactionTime": "2026-07-01T12:00:00.000Z", "request": f"{BASE}/Patient/$export", "requiresAccessToken": False,
    "output": [{"type": "Patient", "url": FILE, "extension": {"any": 1}}], "error": [], "extension": {"x": {"y": 1}},
}  # fmt: skip


class Hospital:
    """Answers from lists, the last of each again and again; everything that it was sent is in `seen`."""

    def __init__(self):
        self.kick_offs = [httpx.Response(202, headers={"Content-Location": STATUS})]
        self.statuses = [httpx.Response(200, json=MANIFEST)]
        self.files = [httpx.Response(200, content=b'{"resourceType":"Patient","id":"p"}\n')]
        self.seen, self.waits, self.said, self.now = [], [], [], 0.0

    def __call__(self, request):
        self.seen.append(request)
        path = request.url.path
        if request.method == "DELETE":
            return httpx.Response(202)
        answers = self.kick_offs if "$export" in path else self.statuses if "jobs" in path else self.files
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def sent(self, words):
        return [each for each in self.seen if words in str(each.url)]

    def talk(self, work, **settings):
        async def session():
            async with FhirServer(Source(url=BASE, **settings)) as server:
                server._pace._clock = lambda: self.now
                return await work(server)

        with respx.mock(assert_all_called=False) as router:
            router.route().mock(side_effect=self)
            return asyncio.run(session())

    def begin(self, order=ORDER, **settings):
        return self.talk(lambda server: bulk.begin(server, order, self.said.append), **settings)

    def finish(self, **settings):
        return self.talk(lambda server: bulk.finished(server, STATUS, self.sleep), **settings)

    async def sleep(self, seconds):
        self.waits.append(seconds)
        self.now += seconds

    def fetch(self, required, **settings):
        async def work(server):
            async with server.stream(FILE, {"Accept": bulk.NDJSON}, token=required) as response:
                return b"".join([part async for part in response.aiter_bytes()])

        return self.talk(work, **settings)


@pytest.fixture
def hospital(monkeypatch):
    """On a clock of its own: whoever waits moves it."""
    hospital = Hospital()
    sleep_by(monkeypatch, hospital.sleep)
    return hospital


def under_way(**headers):
    return httpx.Response(202, headers={name.replace("_", "-"): value for name, value in headers.items()})


def outcome(status, code, **headers):
    return httpx.Response(status, json={"resourceType": "OperationOutcome", "issue": [{"code": code}]}, headers=headers)


# A1


@pytest.mark.parametrize("base", ["http://fhir.example/r4", "http://10.0.0.1/fhir"])
def test_nothing_is_exported_over_plain_http(base):
    async def session():
        async with FhirServer(Source(url=base)) as server:
            return await bulk.begin(server, ORDER, print)

    with respx.mock(assert_all_called=False) as router, pytest.raises(WrongUsage, match="https only"):
        asyncio.run(session())
    assert not router.calls


@pytest.mark.parametrize("kind", ["Content-Location", "output"])
def test_a_status_or_file_over_plain_http_is_refused(hospital, kind):
    plain = "http://fhir.example/elsewhere"
    hospital.kick_offs = [under_way(Content_Location=plain)]
    hospital.statuses = [httpx.Response(200, json={**MANIFEST, "output": [{"type": "Patient", "url": plain}]})]
    with pytest.raises(ServerProblem, match="another origin"):
        hospital.begin() if kind == "Content-Location" else hospital.finish()


# A2, A3, A4: tokens


def test_kick_off_and_status_carry_the_token_and_an_end_does_too(hospital):
    hospital.begin(token="t0ken")
    hospital.finish(token="t0ken")
    hospital.talk(lambda server: bulk.end(server, STATUS), token="t0ken")
    assert [each.headers["Authorization"] for each in hospital.seen] == ["Bearer t0ken"] * 3
    assert [each.method for each in hospital.seen] == ["GET", "GET", "DELETE"]


@pytest.mark.parametrize("required", [True, False])
def test_a_file_is_fetched_with_the_token_only_where_that_is_required(hospital, required):
    hospital.fetch(required, token="t0ken")
    assert ("Authorization" in hospital.seen[-1].headers) is required


def test_a_token_that_lapses_in_a_download_is_renewed_once(hospital, tmp_path):
    tokens = iter(["first", "second", "third"])
    token_url = "https://fhir.example/auth/token"
    hospital.files = [httpx.Response(401), httpx.Response(200, content=b"{}\n")]
    inner = hospital.__call__

    def answer(request):
        if str(request.url) == token_url:
            body = {"access_token": next(tokens), "token_type": "bearer", "expires_in": 300}
            return httpx.Response(200, json=body)
        return inner(request)

    hospital.__class__ = type("Guarded", (Hospital,), {"__call__": lambda _self, request: answer(request)})
    write_new_key(tmp_path / "key.json", "ES384")
    body = hospital.fetch(True, client_id="us", key_file=tmp_path / "key.json", token_url=token_url)
    assert body == b"{}\n"
    assert [each.headers["Authorization"] for each in hospital.sent("files")] == ["Bearer first", "Bearer second"]


# A5 to A10: the kick-off


def test_the_kick_off_asks_for_an_asynchronous_answer(hospital):
    assert hospital.begin() == STATUS
    (request,) = hospital.seen
    assert request.headers["Accept"] == "application/fhir+json"
    assert request.headers["Prefer"] == "respond-async"
    assert request.url.params["_since"] == "2026-07-01T00:00:00Z"
    assert request.url.params.get_list("_type") == ["Patient,Encounter"]


@pytest.mark.parametrize(
    ("level", "path"), [("", "$export"), ("Patient", "Patient/$export"), ("Group/g", "Group/g/$export")]
)
def test_the_levels_have_their_addresses(hospital, level, path):
    hospital.begin(Order(level, ("Patient",)))
    (request,) = hospital.seen
    assert (request.method, request.url.path) == ("GET", f"/r4/{path}")


def test_some_patients_are_named_in_the_body_of_a_post(hospital):
    hospital.begin(Order("Group/g", ("Patient",), "2026-07-01T00:00:00Z", patients=("a", "b")))
    (request,) = hospital.seen
    assert (request.method, request.url.query, request.headers["Content-Type"]) == (
        "POST",
        b"",
        "application/fhir+json",
    )
    said = [(each["name"], *each.values()) for each in json.loads(request.content)["parameter"]]
    assert said == [
        ("_type", "_type", "Patient"), ("_since", "_since", "2026-07-01T00:00:00Z"),
        ("patient", "patient", {"reference": "Patient/a"}), ("patient", "patient", {"reference": "Patient/b"}),
    ]  # fmt: skip


def test_patients_are_never_named_of_a_whole_system():
    with pytest.raises(ValueError, match="system"):
        Order("", ("Patient",), patients=("a",))


@pytest.mark.parametrize("since", ["2026-07-01", "2026-07-01T00:00:00", "yesterday"])
def test_since_is_an_instant_with_its_zone(since):
    with pytest.raises(ValueError, match="instant"):
        Order("Patient", ("Patient",), since=since)


# A12


def test_what_is_refused_is_asked_for_leniently_and_then_without(hospital):
    order = Order("Patient", ("Patient",), "2026-07-01T00:00:00Z", ("Patient?active=true",))
    hospital.kick_offs = [*[outcome(400, "not-supported")] * 3, *hospital.kick_offs]
    hospital.begin(order)
    sent = [(dict(each.url.params), each.headers["Prefer"]) for each in hospital.seen]
    lenient = "respond-async, handling=lenient"
    assert [preference for _, preference in sent] == ["respond-async", lenient, lenient, lenient]
    assert ["_typeFilter" in parameters for parameters, _ in sent] == [True, True, False, False]
    assert ["_since" in parameters for parameters, _ in sent] == [True, True, True, False]
    assert len(hospital.said) == 4


@pytest.mark.parametrize("status", [400, 500])
def test_a_kick_off_that_is_always_refused_is_an_error(hospital, status):
    hospital.kick_offs = [outcome(status, "not-supported")]
    with pytest.raises(Refused):
        hospital.begin()
    assert len(hospital.seen) <= 3


# A14


@pytest.mark.parametrize("answer", [httpx.Response(202), httpx.Response(200, json=MANIFEST)])
def test_started_is_202_with_a_content_location(hospital, answer):
    hospital.kick_offs = [answer]
    with pytest.raises(NotFhir, match="an export was asked for"):
        hospital.begin()


# A15 to A18


def test_polling_backs_off(hospital):
    hospital.statuses = [*[under_way()] * 9, *hospital.statuses]
    hospital.finish()
    assert hospital.waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


@pytest.mark.parametrize("busy", [202, 429, 503])
def test_retry_after_steers_the_next_poll(hospital, busy):
    soon = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90), usegmt=True)
    asked = ["7", "120", soon, "18000"]
    hospital.statuses = [*(httpx.Response(busy, headers={"Retry-After": each}) for each in asked), *hospital.statuses]
    hospital.finish()
    assert hospital.waits[:2] == [7, 120] and 80 <= hospital.waits[2] <= 90
    assert hospital.waits[3] == 600  # five hours were asked for


def test_retry_after_steers_the_next_kick_off(hospital):
    hospital.kick_offs = [httpx.Response(429, headers={"Retry-After": "30"}), *hospital.kick_offs]
    assert hospital.begin() == STATUS
    assert 30 in hospital.waits


def test_the_status_is_asked_for_as_json(hospital):
    hospital.finish()
    assert hospital.seen[0].headers["Accept"] == "application/json"


def test_progress_is_any_text_and_changes_nothing(hospital):
    hospital.statuses = [under_way(X_Progress="120 % of \u00e9verything done".encode()), *hospital.statuses]
    assert hospital.finish().transactionTime == MANIFEST["transactionTime"]


# A19


@pytest.mark.parametrize("status", [400, 500])
def test_a_transient_failure_is_asked_again(hospital, status):
    hospital.statuses = [*[outcome(status, "transient")] * 4, *hospital.statuses]
    assert hospital.finish().output[0].url == FILE


@pytest.mark.parametrize(
    "answer", [outcome(500, "exception"), httpx.Response(500, text="<html>"), outcome(404, "not-found")]
)
def test_any_other_failure_is_the_end(hospital, answer):
    hospital.statuses = [answer]
    with pytest.raises(Refused):
        hospital.finish()
    assert len(hospital.seen) == 1


def test_a_transient_failure_that_stays_ends_too(hospital):
    hospital.statuses = [outcome(500, "transient")]
    with pytest.raises(Refused):
        hospital.finish()


# A20, A21


def test_a_manifest_says_no_more_than_it_must(hospital):
    hospital.statuses = [httpx.Response(200, json={**MANIFEST, "output": []})]
    found = hospital.finish()
    assert (found.output, found.deleted, found.error) == ([], [], [])


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b'{"resourceType":"OperationOutcome"}',
        json.dumps({**MANIFEST, "transactionTime": "now"}).encode(),
        json.dumps({**MANIFEST, "transactionTime": "2026-07-01T12:00:00"}).encode(),
        json.dumps({**MANIFEST, "output": [{"type": "Patient"}]}).encode(),
    ],
)  # fmt: skip
def test_what_is_no_manifest_is_told(hospital, body):
    hospital.statuses = [httpx.Response(200, content=body)]
    with pytest.raises(NotFhir):
        hospital.finish()


def test_one_who_does_not_say_whether_a_token_is_required_is_shown_it(hospital):
    told = {name: value for name, value in MANIFEST.items() if name != "requiresAccessToken"}
    hospital.statuses = [httpx.Response(200, json=told)]
    assert hospital.finish().requiresAccessToken is True


# A25


@pytest.mark.parametrize("answer", [202, 204, 404, 405, 403, 503])
def test_ending_it_never_fails(hospital, answer):
    hospital.__class__ = type("Ending", (Hospital,), {"__call__": lambda _self, _request: httpx.Response(answer)})
    hospital.talk(lambda server: bulk.end(server, STATUS))


# Where an export may lead


@pytest.mark.parametrize(
    ("link", "address"),
    [
        (f"{BASE}/bulk/1?a=%2520", f"{BASE}/bulk/1?a=%2520"),
        ("/jobs/1", "https://fhir.example/jobs/1"),
        ("bulk/1", f"{BASE}/bulk/1"),
        ("https://fhir.example:443/jobs/1", "https://fhir.example:443/jobs/1"),
        ("http://inner:8080/r4/bulk/1", f"{BASE}/bulk/1"),
        ("https://files.example/x/1.ndjson?sig=a%2Bb", "https://files.example/x/1.ndjson?sig=a%2Bb"),
    ],
)
def test_addresses_that_are_followed(link, address):
    assert of_export(BASE, link, ("https://files.example",)) == address


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/jobs/1", "http://fhir.example/jobs/1", "https://fhir.example.evil/jobs/1",
        "https://fhir.example@evil.example/x", "https://files.example:8443/1", "http://files.example/1",
        "http://169.254.169.254/latest/meta-data", f"{BASE}/../secret", "file:///etc/passwd", "https://10.0.0.1/r5/x",
    ],
)  # fmt: skip
def test_addresses_that_are_refused(link):
    with pytest.raises(PersonalizeError):
        of_export(BASE, link, ("https://files.example",))
