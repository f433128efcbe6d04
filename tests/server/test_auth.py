"""SMART Backend Services against an authorization server that verifies each assertion by itself."""

import json
import stat
import time
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
import respx

BASE = "https://fhir.example/r4"
CONFIGURATION = f"{BASE}/.well-known/smart-configuration"
STATEMENT = {
    "resourceType": "CapabilityStatement",
    "fhirVersion": "4.0.1",
    "rest": [{"mode": "server", "resource": [{"type": "Patient"}]}],
}
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Hospital:
    """A FHIR server behind its own authorization server. `holds` is how long a token is said to, in seconds."""

    def __init__(self, registered):
        self.keys = {each["kid"]: jwt.PyJWK(each) for each in registered["keys"]}
        self.algorithms, self.capabilities, self.endpoint = ["RS384", "ES384"], ["permission-v2"], "auth/token"
        self.holds, self.granted, self.failure = 300, None, None
        self.seen, self.asked, self.tokens, self.revoked = Counter(), [], [], set()

    def __call__(self, request):
        path = request.url.path.removeprefix("/r4/")
        self.seen[path] += 1
        if path == ".well-known/smart-configuration":
            assert "json" in request.headers["Accept"] and "Authorization" not in request.headers
            return httpx.Response(200, json=self.configuration())
        if path == "auth/token":
            return self.token(request)
        return self.resource(request, path)

    def configuration(self):
        return {
            "token_endpoint": self.endpoint,
            "token_endpoint_auth_signing_alg_values_supported": self.algorithms,
            "capabilities": self.capabilities,
        }

    def token(self, request):
        form = {name: value for name, (value,) in parse_qs(request.content.decode(), strict_parsing=True).items()}
        assert "Authorization" not in request.headers
        assert (form["grant_type"], form["client_assertion_type"]) == ("client_credentials", ASSERTION)
        header = jwt.get_unverified_header(form["client_assertion"])
        key = self.keys[header["kid"]]
        claims = jwt.decode(form["client_assertion"], key.key, [key.algorithm_name], audience=str(request.url))
        assert header["alg"] in ("RS384", "ES384") and header["typ"] == "JWT"
        assert claims["iss"] == claims["sub"] == "our-client"
        assert isinstance(claims["exp"], int) and 0 < claims["exp"] - time.time() <= 300
        self.asked.append((claims["jti"], form["scope"]))
        if self.failure:
            return httpx.Response(400, json={"error": self.failure, "error_description": "s3cret detail"})
        self.tokens.append(f"token-{len(self.tokens)}")
        told = {"access_token": self.tokens[-1], "token_type": "bearer", "expires_in": self.holds}
        return httpx.Response(200, json=told | {"scope": self.granted or form["scope"]})

    def resource(self, request, path):
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.tokens or token in self.revoked:
            return httpx.Response(401)
        if path == "metadata":
            return httpx.Response(200, json=STATEMENT)
        patient = {"resourceType": "Patient", "id": "p1"}
        return httpx.Response(200, json={"resourceType": "Bundle", "entry": [{"resource": patient}]})


@pytest.fixture(params=["ES384", "RS384"])
def registered(personalize, request):
    said = personalize("keys", "new", "key.json", "--algorithm", request.param)
    assert said.code == 0
    return said.json


@pytest.fixture
def hospital(registered, tmp_path):
    configure(tmp_path)
    server = Hospital(registered)
    with respx.mock(assert_all_called=False) as router:
        router.route(host="fhir.example").mock(side_effect=server)
        yield server


def configure(folder, *lines):
    text = ["[sources.hospital]", f'url = "{BASE}"', 'client_id = "our-client"', 'key_file = "key.json"', *lines]
    (folder / "personalize.toml").write_text("\n".join(text))


def test_a_pull_asks_for_one_token_with_an_assertion_that_the_server_verifies(personalize, hospital):
    said = personalize("pull", "hospital", "--json")
    assert said.code == 0, said.err
    assert said.json["pulled"]["Patient"] == 1
    assert len(hospital.asked) == hospital.seen[".well-known/smart-configuration"] == 1


def test_it_asks_for_read_and_search_and_for_what_it_writes_in_the_words_the_server_knows(personalize, hospital):
    personalize("pull", "hospital")
    scopes = hospital.asked[0][1].split()
    assert {"system/Patient.rs", "system/Encounter.rs", "system/Claim.rs", "system/Observation.crus"} <= set(scopes)
    assert not any("Patient.c" in each or "*" in each for each in scopes)
    hospital.capabilities = []
    personalize("pull", "hospital")
    assert "system/Patient.read" in hospital.asked[1][1].split()


def test_a_token_about_to_lapse_is_renewed_before_it_is_used(personalize, hospital):
    hospital.holds = 20
    assert personalize("pull", "hospital").code == 0
    assert len(hospital.asked) == sum(hospital.seen.values()) - len(hospital.asked) - 1
    assert len({jti for jti, _ in hospital.asked}) == len(hospital.asked)
    assert hospital.seen[".well-known/smart-configuration"] == 1


def test_a_token_refused_in_flight_is_renewed_once(personalize, hospital):
    hospital.revoked = {"token-0"}
    assert personalize("pull", "hospital").code == 0
    assert len(hospital.asked) == 2
    hospital.revoked = {f"token-{n}" for n in range(9)}
    said = personalize("pull", "hospital")
    assert said.code == 1 and "401" in said.err
    assert len(hospital.asked) == 4


def test_an_error_of_oauth_is_told_by_its_code_alone(personalize, hospital):
    hospital.failure = "invalid_client"
    said = personalize("pull", "hospital")
    assert said.code == 1
    assert "no access token: invalid_client" in said.err and f"{BASE}/auth/token" in said.err
    assert "s3cret" not in said.err and "eyJ" not in said.err


def test_scopes_that_were_not_granted_are_told(personalize, hospital):
    hospital.granted = "system/Patient.rs"
    said = personalize("pull", "hospital")
    assert said.code == 0
    assert "system/Claim.rs" in said.err and "not granted" in said.err


def test_a_server_that_verifies_another_algorithm_is_told_before_anything_is_sent(personalize, hospital):
    hospital.algorithms = ["RS512"]
    said = personalize("pull", "hospital")
    assert said.code == 2 and "RS512" in said.err
    assert hospital.asked == []


@pytest.mark.parametrize("endpoint", ["http://fhir.example/r4/auth/token", "http://elsewhere.example/token"])
def test_an_assertion_goes_over_https_only(personalize, hospital, endpoint):
    hospital.endpoint = endpoint
    said = personalize("pull", "hospital")
    assert said.code == 2 and "https" in said.err
    assert hospital.asked == []


def test_without_a_configuration_the_owner_may_name_the_token_endpoint(personalize, hospital, tmp_path):
    configure(tmp_path, f'token_url = "{BASE}/auth/token"', 'scopes = "system/*.rs"')
    assert personalize("pull", "hospital").code == 0
    assert hospital.seen[".well-known/smart-configuration"] == 0
    assert hospital.asked[0][1] == "system/*.rs"


def test_the_private_key_is_the_owners_alone_and_shows_nowhere(registered, personalize, hospital):
    file = Path("key.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    private = json.loads(file.read_text())
    (public,) = registered["keys"]
    assert set(public) == {"kty", "kid", "alg", "use"} | ({"n", "e"} if public["kty"] == "RSA" else {"crv", "x", "y"})
    said = personalize("pull", "hospital")
    assert private["d"] not in said.out + said.err
    assert personalize("keys", "public", "key.json").json == registered


def test_a_key_is_never_overwritten(registered, personalize):
    before = Path("key.json").read_bytes()
    said = personalize("keys", "new", "key.json")
    assert said.code == 2 and "exists" in said.err
    assert Path("key.json").read_bytes() == before


@pytest.mark.parametrize("text", ["", "{}", '{"kty": "oct", "k": "c2VjcmV0"}', "-----BEGIN PRIVATE KEY-----", "[]"])
def test_a_file_that_is_no_private_key_is_told_without_its_content(personalize, tmp_path, text):
    configure(tmp_path)
    Path("key.json").write_text(text)
    said = personalize("pull", "hospital")
    assert said.code == 2 and "key.json" in said.err and "personalize keys new" in said.err
    assert "c2VjcmV0" not in said.err


def test_basic_is_sent_over_https_and_never_over_plain_http(personalize, tmp_path):
    (tmp_path / "password").write_text("open sesame\n")
    lines = ["[sources.old]", f'url = "{BASE}"', 'username = "us"', 'password_file = "password"']
    (tmp_path / "personalize.toml").write_text("\n".join(lines))
    with respx.mock() as router:
        route = router.get(f"{BASE}/metadata").mock(return_value=httpx.Response(401))
        personalize("pull", "old")
        assert route.calls[0].request.headers["Authorization"] == httpx.BasicAuth("us", "open sesame")._auth_header
    (tmp_path / "personalize.toml").write_text("\n".join(lines).replace("https:", "http:"))
    said = personalize("pull", "old")
    assert said.code == 2 and "plain http" in said.err


def test_each_key_of_a_set_has_an_id_of_its_own(registered, personalize):
    other = personalize("keys", "new", "other.json", "--algorithm", "ES384").json["keys"]
    both = personalize("keys", "public", "key.json", "other.json").json["keys"]
    assert both == registered["keys"] + other
    assert len({each["kid"] for each in both}) == 2


def test_an_assertion_names_no_place_of_keys_and_no_refresh_token_is_asked_for(personalize, hospital):
    hospital.headers = []
    inner = hospital.token

    def token(request):
        form = parse_qs(request.content.decode())
        hospital.headers.append((jwt.get_unverified_header(form["client_assertion"][0]), sorted(form)))
        return inner(request)

    hospital.token = token
    assert personalize("pull", "hospital").code == 0
    ((header, names),) = hospital.headers
    assert sorted(header) == ["alg", "kid", "typ"]
    assert names == ["client_assertion", "client_assertion_type", "grant_type", "scope"]
