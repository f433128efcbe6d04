"""CDS Hooks as an EHR calls them: what is offered, who may call, what a card says, and what is never done."""

import json
import time
from uuid import uuid4

import httpx
import pytest
from facade_lake import BUSY, OTHER, authority_running, bearer, opened
from jwt import decode

from service.facade.hooks.clients import Clients
from service.server.auth.keys import new_key

SERVICES = {
    "personalization-patient-view": "patient-view",
    "personalization-appointment-book": "appointment-book",
    "personalization-encounter-start": "encounter-start",
}
VIEW = "personalization-patient-view"
APP = "https://app.example.org/launch"


@pytest.fixture(scope="module")
def ehr(hospital, tmp_path_factory):
    with authority_running() as authority:
        hook = f'[serve.hooks.ehr]\nissuer = "{authority.url}"\njwks_url = "{authority.url}/jwks"\n'
        toml = f'app = "{APP}"\norigins = ["https://ehr.example.org"]\nrequests_per_minute = 100000'
        with opened(hospital, tmp_path_factory.mktemp("ehr"), toml, tables=authority.settings() + hook) as http:
            yield Ehr(http, authority)


class Ehr:
    def __init__(self, http, authority):
        self.http, self.authority = http, authority

    def url(self, service, more=""):
        return f"{self.http.root}/cds-services/{service}{more}"

    def token(self, url, **more):
        header = {"typ": "JWT", **more.pop("header", {})}
        return self.authority.token(url, None, **{"alg": "ES384", "header": header, **more})

    def request(self, service=VIEW, patient=BUSY, **more):
        context = {"userId": "Practitioner/1", "patientId": patient, "encounterId": "e1", "appointments": [{"id": "a"}]}
        body = {"hook": SERVICES[service], "hookInstance": str(uuid4()), "context": context, **more}
        return {name: value for name, value in body.items() if value is not None}

    def call(self, service=VIEW, body=None, token=None, more="", **headers):
        url = self.url(service, more)
        signed = bearer(token or self.token(url))
        return httpx.post(url, json=body or self.request(service), headers={**signed, **headers})

    def card(self, service=VIEW, patient=BUSY):
        answer = self.call(service, self.request(service, patient))
        assert answer.status_code == 200, answer.text
        (card,) = answer.json()["cards"]
        return card


def test_discovery_tells_every_service_whole(ehr):
    answer = httpx.get(f"{ehr.http.root}/cds-services")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    told = answer.json()["services"]
    assert {each["id"]: each["hook"] for each in told} == SERVICES
    for each in told:
        assert all(isinstance(each[name], str) and each[name] for name in ("hook", "id", "description", "title"))
        assert set(each) == {"hook", "id", "title", "description"}  # no prefetch, nothing null


@pytest.mark.parametrize("service", SERVICES)
def test_a_card_says_level_pathways_and_reasons_in_neutral_words(ehr, service):
    card = ehr.card(service)
    assert card["summary"] == "Care level: intensive. Preferred scheduling, Proactive outreach"
    assert card["indicator"] == "info"
    assert "- Frequent emergency visits" in card["detail"] and "As of 2026-07-01" in card["detail"]
    assert card["source"]["label"] == "Personalization profile" and card["source"]["url"] == ehr.http.root
    assert set(card["source"]["topic"]) == {"system", "code", "display"}
    assert card["links"] == [{"label": "Open the profile", "url": APP, "type": "smart"}]
    assert card["uuid"] != ehr.card(service)["uuid"]


def test_every_card_keeps_to_its_bounds(ehr):
    summaries = []
    for patient in ("p04-admitted", "p05-readmitted", "p10-money", BUSY):
        card = ehr.card(patient=patient)
        summaries.append(card["summary"])
        assert 0 < len(card["summary"]) < 140
        assert all(value not in (None, "", [], {}) for value in card.values())
    assert len(set(summaries)) == 4


def test_where_there_is_nothing_to_say_there_is_no_card(ehr):
    for patient in (OTHER, "nobody", "p08-deceased"):
        answer = ehr.call(body=ehr.request(patient=patient))
        assert (answer.status_code, answer.json()) == (200, {"cards": []}), patient


def test_a_patients_own_view_shows_no_card_made_for_staff(ehr):
    body = ehr.request()
    body["context"]["userId"] = f"Patient/{BUSY}"
    assert ehr.call(body=body).json() == {"cards": []}


AUTHORIZED = {"access_token": "secret", "token_type": "Bearer", "expires_in": 300, "scope": "x", "subject": "y"}
BOOK = "personalization-appointment-book"


@pytest.mark.parametrize(
    "changes",
    [
        {"hook": "patient-view"},
        {"hook": None},
        {"hookInstance": "1"},
        {"hookInstance": None},
        {"context": None},
        {"context": []},
        {"context.patientId": None},
        {"context.patientId": "a b"},
        {"context.patientId": {"id": "x"}},
        {"context.userId": None},
        {"context.userId": "1"},
        {"context.userId": "Device/1"},
        {"context.appointments": None},
        {"fhirAuthorization": AUTHORIZED},
        {"fhirServer": "SOURCE", "fhirAuthorization": {**AUTHORIZED, "token_type": "mac"}},
        {"fhirServer": "SOURCE", "fhirAuthorization": {"access_token": "secret"}},
        {"fhirServer": "SOURCE", "fhirAuthorization": {**AUTHORIZED, "patient": OTHER}},
        {"fhirServer": "http://hospital.example/fhir"},
        {"fhirServer": "https://hospital.example/fhir"},
        {"fhirServer": ["x"]},
    ],
)
def test_what_is_no_call_of_this_service_is_refused(ehr, changes):
    body = ehr.request(BOOK)
    assert ehr.call(BOOK, body).status_code == 200
    for path, value in changes.items():
        place, name = (body["context"], path[8:]) if path.startswith("context.") else (body, path)
        place[name] = ehr.http.served.source.url if value == "SOURCE" else value
        if value is None:
            del place[name]
    answer = ehr.call(BOOK, body)
    assert answer.status_code == 400, answer.text
    assert "secret" not in answer.text


def test_the_source_itself_may_be_named_with_its_token_which_goes_nowhere(ehr, capfd):
    body = ehr.request(fhirServer=ehr.http.served.source.url, fhirAuthorization={**AUTHORIZED, "patient": BUSY})
    assert len(ehr.call(body=body).json()["cards"]) == 1
    captured = capfd.readouterr()
    assert "answered" in captured.err and "secret" not in captured.err + captured.out


def test_a_hostile_server_is_never_asked_for_anything(ehr):
    with authority_running() as hostile:
        answer = ehr.call(body=ehr.request(fhirServer=hostile.url, fhirAuthorization=AUTHORIZED))
        assert (answer.status_code, hostile.asked) == (400, [])
        assert ehr.call(token=ehr.token(ehr.url(VIEW), header={"jku": f"{hostile.url}/jwks"})).status_code == 401
        assert hostile.asked == []


def test_no_token_no_card(ehr):
    for path in (ehr.url(VIEW), ehr.url(VIEW, "/feedback"), ehr.url("nothing")):
        answer = httpx.post(path, json=ehr.request())
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


BAD = {
    "for another service": lambda e: e.token(e.url("personalization-encounter-start")),
    "for the server": lambda e: e.token(e.http.root),
    "for the FHIR base": lambda e: e.token(e.http.served.base),
    "for the address and more": lambda e: e.token(e.url(VIEW) + "/"),
    "expired": lambda e: e.token(e.url(VIEW), exp=int(time.time()) - 1),
    "without exp": lambda e: e.token(e.url(VIEW), exp=None),
    "without iat": lambda e: e.token(e.url(VIEW), iat=None),
    "without jti": lambda e: e.token(e.url(VIEW), jti=None),
    "an empty jti": lambda e: e.token(e.url(VIEW), jti=""),
    "another issuer": lambda e: e.token(e.url(VIEW), iss="https://elsewhere.example"),
    "an unknown key": lambda e: e.token(e.url(VIEW), key=new_key("ES384")),
    "keys elsewhere": lambda e: e.token(e.url(VIEW), header={"jku": "https://elsewhere.example/jwks"}),
    "unknown crit": lambda e: e.token(e.url(VIEW), header={"crit": ["x"], "x": 1}),
    "another type": lambda e: e.token(e.url(VIEW), header={"typ": "at+jwt"}),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_token_that_does_not_hold_is_refused(ehr, bad):
    answer = ehr.call(token=BAD[bad](ehr))
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')


def test_a_token_is_good_once_even_after_a_restart(ehr):
    token = ehr.token(ehr.url(VIEW))
    assert [ehr.call(token=token).status_code for _ in range(2)] == [200, 401]
    anew = Clients(ehr.http.served.settings.hooks, ehr.http.served.catalog)
    old, ehr.http.served.clients = ehr.http.served.clients, anew
    assert ehr.call(token=token).status_code == 401
    ehr.http.served.clients = old


def test_an_audience_may_be_one_of_several_and_keys_named_as_agreed(ehr):
    url = ehr.url(VIEW)
    assert ehr.call(token=ehr.token([url, "https://elsewhere.example"])).status_code == 200
    assert ehr.call(token=ehr.token(url, header={"jku": f"{ehr.authority.url}/jwks"})).status_code == 200
    assert decode(ehr.token(url), options={"verify_signature": False})["aud"] == url


def test_an_access_token_is_no_token_of_a_cds_client_and_the_other_way_round(ehr):
    access = ehr.authority.token(ehr.http.served.base, "system/*.rs", alg="ES384")
    assert ehr.call(token=access).status_code == 401
    assert ehr.http.get("Observation", headers=bearer(ehr.token(ehr.url(VIEW)))).status_code == 401


def outcome(card, **more):
    return {"card": card, "outcome": "overridden", "outcomeTimestamp": "2026-07-02T08:00:00Z", **more}


def test_feedback_is_kept_once_and_reported_without_a_persons_words(ehr, personalize):
    first, second = ehr.card()["uuid"], ehr.card()["uuid"]
    reason = {"reason": {"code": "known-already", "system": "http://ehr.example"}, "userComment": "Mrs. Canary knows"}
    accepted = outcome(second, outcome="accepted", acceptedSuggestions=[{"id": "s1"}])
    told = {"feedback": [outcome(first, overrideReason=reason), accepted]}
    for _ in range(2):
        answer = ehr.call(body=told, more="/feedback")
        assert answer.status_code == 200
    lake = ehr.http.wiring.lake.root
    found = personalize("report", "feedback", "--lake", lake, "--json").json
    assert {(each["service"], each["outcome"], each["reason"], each["cards"]) for each in found} == {
        (VIEW, "overridden", "known-already", 1),
        (VIEW, "accepted", None, 1),
    }
    assert "known-already" in personalize("report", "feedback", "--lake", lake).out
    assert b"Canary" not in b"".join(path.read_bytes() for path in lake.glob("catalog.sqlite*"))


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"feedback": []},
        {"feedback": [{}]},
        {"feedback": [outcome("1")]},
        {"feedback": [outcome(str(uuid4()), outcome="liked")]},
        {"feedback": [outcome(str(uuid4()), outcome="accepted")]},
        {"feedback": [outcome(str(uuid4()), outcomeTimestamp="soon")]},
        {"feedback": [outcome(str(uuid4())), {"card": "x"}]},
    ],
)
def test_feedback_that_says_nothing_is_refused(ehr, told):
    assert ehr.call(body=told, more="/feedback").status_code == 400


def test_what_is_not_json_or_says_a_thing_twice_is_refused(ehr):
    def sent(content, kind="application/json"):
        headers = {**bearer(ehr.token(ehr.url(VIEW))), "Content-Type": kind}
        return httpx.post(ehr.url(VIEW), content=content, headers=headers).status_code

    whole = json.dumps(ehr.request())
    assert sent(whole) == 200
    assert sent(whole, "text/plain") == 415
    assert sent(whole[:-1]) == 400
    assert sent(whole[:-1] + ', "hook": "patient-view"}') == 400
    assert sent("[1]") == 400


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ("1", 200),
        ("NaN", 400),
        ("[" * 20 + "]" * 20, 200),
        ("[" * 40 + "]" * 40, 400),
        ("[" * 100_000, 400),
        (json.dumps("[" * 100), 200),  # brackets in a text are no depth
    ],
)
def test_what_readers_could_read_differently_is_refused(ehr, more, status):
    headers = {**bearer(ehr.token(ehr.url(VIEW))), "Content-Type": "application/json"}
    body = f'{json.dumps(ehr.request())[:-1]}, "extension": {more}}}'
    assert httpx.post(ehr.url(VIEW), content=body, headers=headers).status_code == status


def test_browsers_of_the_ehr_may_call_and_no_others(ehr):
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, content-type"}
    mine = httpx.options(ehr.url(VIEW), headers={"Origin": "https://ehr.example.org", **asked})
    assert mine.headers["access-control-allow-origin"] == "https://ehr.example.org"
    assert {"Authorization", "Content-Type"} <= set(mine.headers["access-control-allow-headers"].split(", "))
    other = httpx.options(ehr.url(VIEW), headers={"Origin": "https://ehr.example.org.evil.example", **asked})
    assert "access-control-allow-origin" not in other.headers
