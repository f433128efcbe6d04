"""Who is let in: each control of a token with the one that it has to refuse."""

import base64
import json
import time
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from facade_lake import BUSY, bearer
from jwt import PyJWK
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from service.server.auth.keys import new_key

ALL = "system/*.cruds"
OPEN = {
    *("/healthz", "/readyz", "/metrics", "/fhir/metadata", "/fhir/.well-known/smart-configuration", "/cds-services"),
    *("/app/", "/app/settings.json", "/app/{name}"),
}


def test_no_route_shows_anything_without_a_token(http):
    """Every route that the server has, by every method, but for those that are listed here as open."""
    paths = http.get(f"{http.root}/openapi.json").json()["paths"]
    assert OPEN & set(paths) and len(paths) > 7
    for path, methods in paths.items():
        for method in methods:
            asked = path.replace("{type}", "Observation").replace("{id}", BUSY).replace("{service}", "x")
            answer = http.request(method, http.root + asked)
            refused = answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer")
            assert refused != (path in OPEN), (method, path, answer.status_code)


@pytest.mark.parametrize("alg", ["RS384", "ES384", "RS256"])
def test_a_token_that_holds_lets_in(http, token, issuer, alg):
    key = {**new_key("RS384"), "alg": "RS256", "kid": "rs256"} if alg == "RS256" else None
    if key:
        issuer.keys["RS256"] = key
        http.served.tokens._signers[issuer.url].keys._tried_at = float("-inf")
    assert http.get("Observation", headers=bearer(token(ALL, alg=alg, key=key))).status_code == 200


def test_no_token_is_challenged_without_an_error(http):
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}):
        answer = http.get("Observation", headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert answer.json()["issue"][0]["code"] == "login"


def forged(issuer, http, **header):
    """A payload that would be believed, under another header and signed with nothing."""
    good = issuer.token(http.served.base, ALL)
    head = base64.urlsafe_b64encode(json.dumps({"typ": "JWT", "kid": "x", **header}).encode()).rstrip(b"=").decode()
    return f"{head}.{good.split('.')[1]}."


def signed_with_public_key(issuer, http):
    """The algorithm confusion: the public key taken as a shared secret."""
    good = issuer.token(http.served.base, ALL)
    claims = jwt.decode(good, options={"verify_signature": False})
    key = issuer.keys["RS384"]
    return jwt.encode(claims, key["n"], algorithm="HS384", headers={"kid": key["kid"]})


def with_kid_of(issuer, http, other):
    """Signed by a stranger who names the kid of a key that is known."""
    return issuer.token(http.served.base, ALL, alg="ES384", key={**other, "kid": issuer.keys["ES384"]["kid"]})


def with_header(issuer, http, more):
    """Rightly signed, under a header that PyJWT would not write and does believe."""
    key, good = issuer.keys["ES384"], issuer.token(http.served.base, ALL, alg="ES384")
    head = json.dumps({"alg": "ES384", "kid": key["kid"], **more}).encode()
    signed = base64.urlsafe_b64encode(head).rstrip(b"=") + b"." + good.split(".")[1].encode()
    algorithm = jwt.get_algorithm_by_name("ES384")
    signature = algorithm.sign(signed, algorithm.prepare_key(PyJWK(key).key))
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


NOW = int(time.time())
STRANGE = new_key("ES384")
BAD = {
    "expired": lambda a, h: a.token(h.served.base, ALL, exp=int(time.time()) - 1),
    "without an end": lambda a, h: a.token(h.served.base, ALL, exp=None),
    "not yet valid": lambda a, h: a.token(h.served.base, ALL, nbf=int(time.time()) + 60),
    "issued in the future": lambda a, h: a.token(h.served.base, ALL, iat=int(time.time()) + 60),
    "for another base": lambda a, _: a.token("https://elsewhere.example/fhir", ALL),
    "for a base that only begins alike": lambda a, h: a.token(h.served.base + "/x", ALL),
    "for nobody": lambda a, _: a.token(None, ALL),
    "by another issuer": lambda a, h: a.token(h.served.base, ALL, iss="https://elsewhere.example"),
    "by nobody": lambda a, h: a.token(h.served.base, ALL, iss=None),
    "none": lambda a, h: forged(a, h, alg="none"),
    "None": lambda a, h: forged(a, h, alg="None"),
    "symmetric": lambda a, h: jwt.encode({"iss": a.url, "aud": h.served.base, "exp": NOW + 9999}, "s" * 64, "HS256"),
    "public key as secret": signed_with_public_key,
    "an algorithm that is not allowed": lambda a, h: a.token(h.served.base, ALL, alg="RS512", key=a.keys["RS384"]),
    "an algorithm of another kind of key": lambda a, h: a.token(
        h.served.base, ALL, alg="ES384", header={"kid": a.keys["RS384"]["kid"]}
    ),
    "an unknown key": lambda a, h: a.token(h.served.base, ALL, alg="ES384", key=STRANGE),
    "an unknown key under a known name": lambda a, h: with_kid_of(a, h, STRANGE),
    "no key named": lambda a, h: jwt.encode(
        jwt.decode(a.token(h.served.base, ALL), options={"verify_signature": False}),
        PyJWK(a.keys["RS384"]).key,
        algorithm="RS384",
    ),
    "unknown crit": lambda a, h: a.token(h.served.base, ALL, header={"crit": ["exp"]}),
    "crit of what is understood": lambda a, h: a.token(h.served.base, ALL, header={"crit": ["alg"]}),
    "crit of what the library understands": lambda a, h: with_header(a, h, {"crit": ["b64"], "b64": True}),
    "unencoded": lambda a, h: with_header(a, h, {"b64": True}),
    "an id token": lambda a, h: a.token(h.served.base, ALL, header={"typ": "logout+jwt"}),
    "changed": lambda a, h: ".".join([*a.token(h.served.base, ALL).split(".")[:2], "AAAA"]),
    "no JWT": lambda *_: "opaque",
    "endless": lambda a, h: a.token(h.served.base, "x " * 20_000),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_token_that_does_not_hold_is_no_token(http, issuer, bad):
    answer = http.get("Observation", headers=bearer(BAD[bad](issuer, http)))
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert answer.json()["issue"][0]["diagnostics"] == "the access token does not hold"


def weak():
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    return {**RSAAlgorithm.to_jwk(key, as_dict=True), "kid": "weak"}


def test_a_key_of_another_curve_is_none_for_that_algorithm(http, issuer):
    key = ec.generate_private_key(ec.SECP256R1())
    issuer.keys["curve"] = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "curve", "use": "sig"}
    http.served.tokens._signers[issuer.url].keys._tried_at = float("-inf")
    signed = issuer.token(http.served.base, ALL, alg="ES384", header={"kid": "curve"}).rpartition(".")[0]
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA384())))
    signature = base64.urlsafe_b64encode(r.to_bytes(48, "big") + s.to_bytes(48, "big")).rstrip(b"=").decode()
    assert http.get("Observation", headers=bearer(f"{signed}.{signature}")).status_code == 401


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize(
    ("alg", "made_for", "status"),
    [
        ("ES384", {}, 200),
        ("ES384", {"use": "enc"}, 401),
        ("RS256", {}, 200),
        ("RS256", {"alg": "RS384"}, 401),
        ("RS384", weak, 401),
    ],
)
def test_a_key_is_used_for_what_it_was_made_for(http, token, issuer, alg, made_for, status):
    key = weak() if made_for is weak else {**new_key("ES384" if alg == "ES384" else "RS384"), "kid": uuid4().hex}
    published = {**key, "alg": alg, "use": "sig", **({} if made_for is weak else made_for)}
    issuer.keys["made for"] = published
    http.served.tokens._signers[issuer.url].keys._tried_at = float("-inf")
    mine = token("system/Observation.rs", alg=alg, key=key)
    assert http.get("Observation?_count=1", headers=bearer(mine)).status_code == status


def test_a_token_counts_no_longer_than_it_lasts_however_often_it_was_seen(http, token):
    brief = token(ALL, exp=int(time.time()) + 2)
    assert http.get("Observation?_count=1", headers=bearer(brief)).status_code == 200
    while time.time() < jwt.decode(brief, options={"verify_signature": False})["exp"]:
        time.sleep(0.05)
    assert http.get("Observation?_count=1", headers=bearer(brief)).status_code == 401


def test_an_issuer_signs_with_the_algorithms_that_it_may(served, authority):
    http = served("", tables=authority.settings(audience="those", algorithms=["ES384"]))
    for alg, status in (("ES384", 200), ("RS384", 401)):
        mine = bearer(authority.token("those", "system/Observation.rs", alg=alg))
        assert http.get("Observation?_count=1", headers=mine).status_code == status


def test_the_configuration_names_the_hospitals_authorization_server(http, issuer):
    answer = http.get(".well-known/smart-configuration", headers={"Accept": "text/html"})
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert (told["authorization_endpoint"], told["token_endpoint"]) == (
        f"{issuer.url}/authorize",
        f"{issuer.url}/token",
    )
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert "issuer" not in told and "sso-openid-connect" not in told["capabilities"]
    assert {"permission-v1", "permission-v2", "launch-ehr"} <= set(told["capabilities"])
    assert all(isinstance(told[name], list) for name in ("grant_types_supported", "scopes_supported"))


def test_an_unknown_key_is_looked_for_once_and_not_with_every_token(http, issuer):
    issuer.asked.clear()
    for _ in range(5):
        stranger = issuer.token(http.served.base, ALL, key={**STRANGE, "kid": uuid4().hex}, alg="ES384")
        assert http.get("Observation", headers=bearer(stranger)).status_code == 401
    assert issuer.asked.count("/jwks") <= 1
