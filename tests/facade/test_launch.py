"""The app page, launched through a real authorization server (oidc-provider, certified by the OpenID Foundation)."""

import datetime as dt
import subprocess
from urllib.parse import quote, urlencode

import chromium
import httpx
import pytest
from facade_lake import BUSY, OTHER, opened
from javascript import TESTS, installed
from required import require

CLIENT = "page"


@pytest.fixture(scope="module")
def hospital_with_oidc(hospital, tmp_path_factory, real_parts):
    """(our server, theirs, a folder for the browser)."""
    require(chromium.lacking(), "the app page")
    folder = installed(TESTS / "authorization", "oidc-provider", tmp_path_factory.mktemp("oidc"), real_parts)
    words = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(["node", "server.mjs"], cwd=folder, **words) as server:
        try:
            issuer = server.stdout.readline().strip()
            tables = SETTINGS.replace("ISSUER", issuer)
            now = lambda: dt.datetime.now(dt.UTC)  # noqa: E731 - the page goes by the browser's clock
            toml = f'app_client_id = "{CLIENT}"\nrequests_per_minute = 100000'
            with opened(hospital, tmp_path_factory.mktemp("launch"), toml, tables=tables, now=now, as_of=now()) as http:
                print(http.served.base, CLIENT, f"{http.root}/app/", file=server.stdin, flush=True)
                assert server.stdout.readline().strip() == "ready"
                yield http, issuer, tmp_path_factory.mktemp("browser")
        finally:
            server.kill()


SETTINGS = """
[serve.issuers.oidc]
issuer = "ISSUER"
jwks_url = "ISSUER/jwks"
authorization_endpoint = "ISSUER/auth"
token_endpoint = "ISSUER/token"
"""


def screen(hospital, query):
    http, _, folder = hospital
    return chromium.screen(f"{http.root}/app/launch{query}", folder)


def test_from_an_ehr_it_shows_the_patient_of_the_launch(hospital_with_oidc):
    base = hospital_with_oidc[0].served.base
    shown = screen(hospital_with_oidc, f"?iss={quote(base)}&launch=the-context")
    assert (shown.text("patient"), shown.text("said")) == (f"Patient {BUSY}", "Care level: Intensive")
    assert shown.text("measures")


def test_by_itself_it_shows_the_patient_who_was_chosen(hospital_with_oidc):
    shown = screen(hospital_with_oidc, "")
    assert (shown.text("patient"), shown.text("said")) == (f"Patient {OTHER}", "Care level: Standard")


def test_a_launch_that_the_ehr_does_not_know_shows_nobody(hospital_with_oidc):
    base = hospital_with_oidc[0].served.base
    shown = screen(hospital_with_oidc, f"?iss={quote(base)}&launch=foreign")
    assert shown.text("said") == "No patient is chosen. Open the app from a patient, or choose one."


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"aud": "https://elsewhere.example/fhir"}, "invalid_target"),
    ],
)
def test_the_authorization_server_checks_what_the_page_sends(hospital_with_oidc, changed, error):
    """What the page passes it would not pass without PKCE, with another method, or for another server."""
    http, issuer, _ = hospital_with_oidc
    asked = {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": f"{http.root}/app/",
        "state": "s",
        "aud": http.served.base,
        "scope": "launch/patient patient/Observation.rs",
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    fits = {name: value for name, value in (asked | changed).items() if value}
    assert f"error={error}" in httpx.get(f"{issuer}/auth?{urlencode(fits)}").headers.get("location", "")
    assert "error=" not in httpx.get(f"{issuer}/auth?{urlencode(asked)}").headers["location"]
