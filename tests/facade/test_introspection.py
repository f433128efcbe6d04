"""Tokens that are asked about (RFC 7662), and the loud setting under which none is needed."""

import base64
import time

import httpx
import pytest
from facade_lake import BUSY, MORNING, bearer

from service.errors import WrongUsage
from service.facade.wiring import wired


def introspecting(authority, **more):
    return authority.settings(
        jwks_url="", introspection_url=f"{authority.url}/introspect", client_id="us", client_secret="known", **more
    )


def active(**more):
    return {"active": True, "scope": "system/*.rs", "client_id": "app", "exp": int(time.time()) + 300, **more}


def test_an_active_token_lets_in_and_is_asked_about_as_the_rfc_says(served, authority):
    http = served("", tables=introspecting(authority))
    authority.active["good"] = active()
    for _ in range(3):
        assert http.get("Observation?_count=1", headers=bearer("good")).status_code == 200
    ((path, credential, form),) = authority.asked
    assert (path, form) == ("/introspect", {"token": ["good"]})
    assert base64.b64decode(credential.removeprefix("Basic ")) == b"us:known"


@pytest.mark.parametrize(
    "told",
    [
        {"active": False},
        {},
        active(active="true"),
        active(exp=1),
        active(exp=None),
        active(exp="tomorrow"),
        active(nbf=int(time.time()) + 10_000),
        active(scope=None),
        active(client_id=None),
        active(iss="https://elsewhere.example"),
        active(aud="https://elsewhere.example/fhir"),
    ],
)
def test_what_is_not_active_for_us_is_no_token(served, authority, told):
    http = served("", tables=introspecting(authority))
    authority.active["bad"] = told
    answer = http.get("Observation", headers=bearer("bad"))
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert authority.asked


def test_its_patient_is_the_compartment(served, authority):
    http = served("", tables=introspecting(authority))
    authority.active["mine"] = active(scope="patient/*.rs", patient=BUSY)
    assert http.ids("Patient", headers=bearer("mine")) == [BUSY]


def test_what_was_answered_counts_no_longer_than_the_token(served, authority):
    http = served("", tables=introspecting(authority))
    ends = int(time.time()) + 2
    authority.active["brief"] = active(exp=ends)
    assert http.get("Observation?_count=1", headers=bearer("brief")).status_code == 200
    while time.time() < ends:
        time.sleep(0.05)
    assert http.get("Observation?_count=1", headers=bearer("brief")).status_code == 401


def test_where_nobody_can_be_asked_it_is_not_the_tokens_fault(served, authority):
    http = served("", tables=authority.settings(jwks_url="", introspection_url="http://127.0.0.1:9/introspect"))
    answer = http.get("Observation", headers=bearer("any"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")


def test_keys_that_cannot_be_read_let_nobody_in(served, authority):
    http = served("", tables=authority.settings(jwks_url="http://127.0.0.1:9/jwks"))
    answer = http.get("Observation", headers=bearer(authority.token(http.served.base, "system/*.rs")))
    assert answer.status_code == 503


def test_no_redirect_is_followed_to_other_keys(served, authority):
    http = served("", tables=authority.settings(jwks_url=f"{authority.url}/moved"))
    answer = http.get("Observation", headers=bearer(authority.token(http.served.base, "system/*.rs")))
    assert (answer.status_code, authority.asked) == (503, ["/moved"])


@pytest.mark.parametrize(
    ("toml", "why"),
    [
        ("", "no issuer of access tokens is named"),
        ('auth = "off"\nhost = "0.0.0.0"', "listens on this machine alone"),
        ('auth = "off"\nhost = "hospital.example"', "listens on this machine alone"),
        ('[serve.issuers.main]\nissuer = "x"', "cannot be checked"),
        ('[serve.issuers.main]\nissuer = "x"\njwks_url = "http://elsewhere.example/jwks"', "over https only"),
    ],
)
def test_settings_that_would_let_in_too_many_are_refused(hospital, tmp_path, monkeypatch, toml, why):
    text = f'[sources.clinic]\nurl = "{hospital[1]}"\n[serve]\nport = 0\n{toml}\n'
    (tmp_path / "personalize.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(WrongUsage, match=why),
        wired(hospital[0] / "lake", None, lambda: MORNING).opened("http://127.0.0.1:1"),
    ):
        raise AssertionError("it began to serve")


def test_without_tokens_only_this_machine_is_answered_and_it_is_said_loudly(served, capsys):
    http = served()
    assert "NO TOKEN IS ASKED FOR" in capsys.readouterr().err
    for host, status in (("localhost:1", 200), ("127.0.0.1", 200), ("[::1]:8", 200), ("attacker.example", 421)):
        assert http.get("Observation?_count=1", headers={"Host": host}).status_code == status, host
    assert http.get(".well-known/smart-configuration").status_code == 404
    assert httpx.get(f"{http.root}/fhir/metadata").json()["rest"][0].get("security") is None
