"""Who is let in, and to what: each control of a SMART resource server with the request that it has to refuse."""

import base64
import json
import time
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from facade_lake import BUSY, OTHER, authority_running, bearer, opened
from jwt import PyJWK
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from service.server.auth.keys import new_key

ALL = "system/*.cruds"
OPEN = {
    *("/healthz", "/readyz", "/metrics", "/fhir/metadata", "/fhir/.well-known/smart-configuration", "/cds-services"),
    *("/app/", "/app/settings.json", "/app/{name}"),
}


@pytest.fixture(scope="module")
def hospital_with_authority(hospital, tmp_path_factory):
    with authority_running() as authority:
        settings = authority.settings(
            authorization_endpoint=f"{authority.url}/authorize", token_endpoint=f"{authority.url}/token"
        )
        folder = tmp_path_factory.mktemp("access")
        toml = 'reports = ["visits"]\nrequests_per_minute = 100000'
        with opened(hospital, folder, toml, tables=settings) as http:
            yield http, authority


@pytest.fixture
def http(hospital_with_authority):
    return hospital_with_authority[0]


@pytest.fixture
def authority(hospital_with_authority):
    return hospital_with_authority[1]


@pytest.fixture
def token(http, authority):
    """token(scope, ...) is one for our base."""
    return lambda scope, **more: authority.token(http.served.base, scope, **{"alg": "ES384", **more})


@pytest.fixture(scope="module")
def panels(hospital_with_authority):
    """The panel's id of each patient."""
    http, authority = hospital_with_authority
    mine = bearer(authority.token(http.served.base, ALL, alg="ES384"))
    bundle = http.bundle("Observation?_count=200", headers=mine)
    return {each["resource"]["subject"]["reference"][8:]: each["resource"]["id"] for each in bundle["entry"]}


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
def test_a_token_that_holds_lets_in(http, token, authority, alg):
    key = {**new_key("RS384"), "alg": "RS256", "kid": "rs256"} if alg == "RS256" else None
    if key:
        authority.keys["RS256"] = key
        http.served.tokens._signers[authority.url].keys._tried_at = float("-inf")
    assert http.get("Observation", headers=bearer(token(ALL, alg=alg, key=key))).status_code == 200


def test_no_token_is_challenged_without_an_error(http):
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}):
        answer = http.get("Observation", headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert answer.json()["issue"][0]["code"] == "login"


def forged(authority, http, **header):
    """A payload that would be believed, under another header and signed with nothing."""
    good = authority.token(http.served.base, ALL)
    head = base64.urlsafe_b64encode(json.dumps({"typ": "JWT", "kid": "x", **header}).encode()).rstrip(b"=").decode()
    return f"{head}.{good.split('.')[1]}."


def signed_with_public_key(authority, http):
    """The algorithm confusion: the public key taken as a shared secret."""
    good = authority.token(http.served.base, ALL)
    claims = jwt.decode(good, options={"verify_signature": False})
    key = authority.keys["RS384"]
    return jwt.encode(claims, key["n"], algorithm="HS384", headers={"kid": key["kid"]})


def with_kid_of(authority, http, other):
    """Signed by a stranger who names the kid of a key that is known."""
    return authority.token(http.served.base, ALL, alg="ES384", key={**other, "kid": authority.keys["ES384"]["kid"]})


def with_header(authority, http, more):
    """Rightly signed, under a header that PyJWT would not write and does believe."""
    key, good = authority.keys["ES384"], authority.token(http.served.base, ALL, alg="ES384")
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
def test_a_token_that_does_not_hold_is_no_token(http, authority, bad):
    answer = http.get("Observation", headers=bearer(BAD[bad](authority, http)))
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert answer.json()["issue"][0]["diagnostics"] == "the access token does not hold"


def weak():
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    return {**RSAAlgorithm.to_jwk(key, as_dict=True), "kid": "weak"}


def test_a_key_of_another_curve_is_none_for_that_algorithm(http, authority):
    key = ec.generate_private_key(ec.SECP256R1())
    authority.keys["curve"] = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "curve", "use": "sig"}
    http.served.tokens._signers[authority.url].keys._tried_at = float("-inf")
    signed = authority.token(http.served.base, ALL, alg="ES384", header={"kid": "curve"}).rpartition(".")[0]
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
def test_a_key_is_used_for_what_it_was_made_for(http, token, authority, alg, made_for, status):
    key = weak() if made_for is weak else {**new_key("ES384" if alg == "ES384" else "RS384"), "kid": uuid4().hex}
    published = {**key, "alg": alg, "use": "sig", **({} if made_for is weak else made_for)}
    authority.keys["made for"] = published
    http.served.tokens._signers[authority.url].keys._tried_at = float("-inf")
    mine = token("system/Observation.rs", alg=alg, key=key)
    assert http.get("Observation?_count=1", headers=bearer(mine)).status_code == status


def test_a_token_counts_no_longer_than_it_lasts_however_often_it_was_seen(http, token):
    brief = token(ALL, exp=int(time.time()) + 2)
    assert http.get("Observation?_count=1", headers=bearer(brief)).status_code == 200
    while time.time() < jwt.decode(brief, options={"verify_signature": False})["exp"]:
        time.sleep(0.05)
    assert http.get("Observation?_count=1", headers=bearer(brief)).status_code == 401


@pytest.mark.parametrize(
    ("scope", "read", "search"),
    [
        ("system/Observation.rs", 200, 200),
        ("system/*.rs", 200, 200),
        ("system/*.*", 200, 200),
        ("system/Observation.read", 200, 200),
        ("system/Observation.r", 200, 403),
        ("system/Observation.s", 403, 200),
        ("system/Observation.r system/Observation.s", 200, 200),
        ("system/Observation.cruds", 200, 200),
        ("system/Observation.write", 403, 403),
        ("system/Observation.cud", 403, 403),
        ("system/Patient.rs", 403, 403),
        ("system/Observation.sr", 403, 403),  # out of order
        ("system/Observation.rsx", 403, 403),
        ("system/Observation.rr", 403, 403),
        ("system/Observation.", 403, 403),
        ("system/observation.rs", 403, 403),
        ("System/Observation.rs", 403, 403),
        ("system/Observation.rs?", 403, 403),
        ("system/Observation.rs?nonsense=1", 403, 403),
        ("system/Observation.rs?category:not=x", 403, 403),
        ("system/Observation.rs?subject.name=x", 403, 403),
        ("system/Observation.rs?_filter=x", 403, 403),
        ("launch openid fhirUser offline_access", 403, 403),
        ("", 403, 403),
    ],
)
def test_scopes_grant_what_they_say_and_nothing_beyond(http, token, panels, scope, read, search):
    mine = bearer(token(scope))
    answers = [http.get(f"Observation/{panels[BUSY]}", headers=mine), http.get("Observation", headers=mine)]
    answers.append(http.post("Observation/_search", headers=mine, data={"_count": "5"}))
    assert [each.status_code for each in answers] == [read, search, search]
    for each in answers:
        if each.status_code == 403:
            assert each.headers["www-authenticate"] == 'Bearer error="insufficient_scope"'
            assert each.json()["issue"][0]["code"] == "forbidden"


@pytest.mark.parametrize(
    ("scope", "count"),
    [
        ("system/Observation.rs?value-concept=intensive", 2),
        ("system/Observation.rs?value-concept=intensive system/Observation.rs?value-concept=enhanced", 4),
        ("system/Observation.rs?value-concept=intensive&category=other", 0),
        ("system/Observation.rs?category=https://w3id.org/fhir-personalization/CodeSystem/"
         "personalization-category|personalization", 16),
    ],
)  # fmt: skip
def test_a_query_in_a_scope_limits_search_read_and_count(http, token, panels, scope, count):
    mine = bearer(token(scope))
    seen = set(http.ids("Observation?_count=200", headers=mine))
    assert len(seen) == count == http.bundle("Observation?_summary=count", headers=mine)["total"]
    for panel in panels.values():
        assert http.get(f"Observation/{panel}", headers=mine).status_code == (200 if panel in seen else 404)


@pytest.mark.parametrize("scope", ["patient/*.rs", "patient/*.read", "patient/*.cruds launch/patient"])
def test_a_patient_sees_themself_and_nobody_else_by_any_way(http, token, panels, scope):
    mine, other = bearer(token(scope, patient=BUSY)), panels[OTHER]
    assert http.get(f"Observation/{panels[BUSY]}", headers=mine).status_code == 200
    # by id
    for path in (f"Observation/{other}", f"Patient/{OTHER}"):
        hidden, absent = http.get(path, headers=mine), http.get("Observation/nothing", headers=mine)
        assert (hidden.status_code, hidden.json()) == (404, absent.json())
    # by search, GET and POST
    assert http.ids(f"Observation?patient={OTHER}", headers=mine) == []
    assert http.ids(f"Observation?_id={other}", headers=mine) == []
    assert http.ids("Observation?_count=200", headers=mine) == [panels[BUSY]]
    assert http.ids("Patient", headers=mine) == [BUSY]
    assert http.ids(f"Patient?_id={BUSY},{OTHER}", headers=mine) == [BUSY]
    posted = http.post("Observation/_search", data={"patient": OTHER}, headers=mine)
    assert "entry" not in posted.json()
    assert http.bundle("Observation?_summary=count", headers=mine)["total"] == 1
    # by include, and by what it is about
    assert http.ids(f"Provenance?target=Observation/{other}", headers=mine) == []
    included = http.bundle(f"Observation?patient={BUSY},{OTHER}&_revinclude=Provenance:target", headers=mine)
    assert BUSY in json.dumps(included) and OTHER not in json.dumps([each["resource"] for each in included["entry"]])
    assert len(included["entry"]) == 2
    # by operation
    assert http.get(f"Patient/{BUSY}/$personalization-profile", headers=mine).status_code == 200
    assert http.get(f"Patient/{OTHER}/$personalization-profile", headers=mine).status_code == 404
    # by rankings, which name everybody
    assert http.ids("List", headers=mine) == http.ids("MeasureReport", headers=mine) == []


def test_a_page_link_grants_nothing_to_who_follows_it(http, token):
    everybody = http.bundle("Observation?_count=3", headers=bearer(token(ALL)))
    (link,) = [each["url"] for each in everybody["link"] if each["relation"] == "next"]
    assert http.get(link).status_code == 401
    assert http.get(link, headers=bearer(token("system/Patient.rs"))).status_code == 403
    mine = http.get(link, headers=bearer(token("patient/*.rs", patient=OTHER))).json()
    shown = {entry["resource"]["subject"]["reference"] for entry in mine.get("entry", [])}
    assert shown <= {f"Patient/{OTHER}"}
    assert len(http.bundle(link, headers=bearer(token(ALL)))["entry"]) == 3


@pytest.mark.parametrize("patient", [None, "", "Patient/", "Encounter/1", "' OR '1'='1", "*", ["p03-emergency"], "%"])
def test_without_a_patient_in_its_context_a_patient_scope_sees_nothing(http, token, patient):
    mine = bearer(token("patient/*.rs", patient=patient))
    assert http.ids("Observation", headers=mine) == http.ids("Patient", headers=mine) == []
    assert http.get(f"Patient/{BUSY}", headers=mine).status_code == 404


@pytest.mark.parametrize(
    ("user", "count"),
    [
        ("Practitioner/1", 16),
        ("PractitionerRole/1", 16),
        ("SOURCE/Practitioner/1", 16),
        (f"Patient/{BUSY}", 1),
        (f"SOURCE/Patient/{BUSY}", 1),
        (f"https://elsewhere.example/fhir/Patient/{BUSY}", 0),
        ("https://elsewhere.example/fhir/Practitioner/1", 0),
        ("RelatedPerson/1", 0),
        ("Device/1", 0),
        (None, 0),
    ],
)
def test_a_user_scope_reaches_as_far_as_the_user(http, token, user, count):
    user = user and user.replace("SOURCE", http.served.source.url)
    mine = bearer(token("user/*.rs", fhirUser=user))
    assert len(http.ids("Observation?_count=200", headers=mine)) == count
    assert len(http.ids("List", headers=mine)) == (1 if count == 16 else 0)


def test_an_include_needs_its_own_scope_and_it_is_said_when_it_lacks(http, token):
    asked = f"Observation?patient={BUSY}&_revinclude=Provenance:target"
    entries = http.bundle(asked, headers=bearer(token("system/Observation.rs")))["entry"]
    assert [each["search"]["mode"] for each in entries] == ["match", "outcome"]
    assert "Provenance was not included" in entries[1]["resource"]["issue"][0]["diagnostics"]
    read_alone = token("system/Observation.rs system/Provenance.r")
    assert [each["search"]["mode"] for each in http.bundle(asked, headers=bearer(read_alone))["entry"]][1] == "outcome"
    whole = http.bundle(asked, headers=bearer(token("system/Observation.rs system/Provenance.s")))["entry"]
    assert [each["search"]["mode"] for each in whole] == ["match", "include"]


def test_an_include_shows_those_alone_whom_its_own_scope_reaches(http, token):
    mine = bearer(token("system/Observation.rs patient/Provenance.rs", patient=BUSY))
    entries = http.bundle("Observation?_count=200&_revinclude=Provenance:target", headers=mine)["entry"]
    modes = [each["search"]["mode"] for each in entries]
    assert (modes.count("match"), modes.count("include")) == (16, 1)


def test_an_issuer_signs_with_the_algorithms_that_it_may(served, authority):
    http = served("", tables=authority.settings(audience="those", algorithms=["ES384"]))
    for alg, status in (("ES384", 200), ("RS384", 401)):
        mine = bearer(authority.token("those", "system/Observation.rs", alg=alg))
        assert http.get("Observation?_count=1", headers=mine).status_code == status


def test_the_operation_needs_the_scope_to_read(http, token):
    path = f"Patient/{BUSY}/$personalization-profile"
    assert http.get(path, headers=bearer(token("system/Patient.rs"))).status_code == 403
    assert http.get(path, headers=bearer(token("system/Observation.s"))).status_code == 403
    assert http.get(path, headers=bearer(token("system/Observation.r"))).status_code == 200
    assert http.post(path, headers=bearer(token("patient/Observation.r", patient=OTHER))).status_code == 404


def test_the_record_of_accesses_needs_a_scope_that_names_it(http, token):
    assert http.get("AuditEvent", headers=bearer(token("system/*.cruds"))).status_code == 403
    assert http.get("AuditEvent", headers=bearer(token("system/AuditEvent.rs"))).status_code == 200
    mine = bearer(token("patient/AuditEvent.rs", patient=BUSY))
    found = http.bundle("AuditEvent?_count=200", headers=mine)["entry"]
    assert all(f"Patient/{BUSY}" in json.dumps(each) for each in found)
    assert http.ids(f"AuditEvent?patient={OTHER}", headers=mine) == []


def test_the_configuration_names_the_hospitals_authorization_server(http, authority):
    answer = http.get(".well-known/smart-configuration", headers={"Accept": "text/html"})
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert (told["authorization_endpoint"], told["token_endpoint"]) == (
        f"{authority.url}/authorize",
        f"{authority.url}/token",
    )
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert "issuer" not in told and "sso-openid-connect" not in told["capabilities"]
    assert {"permission-v1", "permission-v2", "launch-ehr"} <= set(told["capabilities"])
    assert all(isinstance(told[name], list) for name in ("grant_types_supported", "scopes_supported"))


def test_each_scope_that_the_configuration_lists_works(http, token):
    for scope in http.get(".well-known/smart-configuration").json()["scopes_supported"]:
        type = scope.split("/")[1].split(".")[0]
        mine = bearer(token(scope, patient=BUSY, fhirUser="Practitioner/1"))
        assert http.get(type, headers=mine).status_code == 200, scope
        assert http.ids(type, headers=mine), scope


def test_an_unknown_key_is_looked_for_once_and_not_with_every_token(http, authority):
    authority.asked.clear()
    for _ in range(5):
        stranger = authority.token(http.served.base, ALL, key={**STRANGE, "kid": uuid4().hex}, alg="ES384")
        assert http.get("Observation", headers=bearer(stranger)).status_code == 401
    assert authority.asked.count("/jwks") <= 1
