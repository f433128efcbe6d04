"""To what one is let in: each scope, context and query of it with the request that it has to refuse."""

import json

import pytest
from facade_lake import BUSY, OTHER, bearer

ALL = "system/*.cruds"
OPEN = {
    *("/healthz", "/readyz", "/metrics", "/fhir/metadata", "/fhir/.well-known/smart-configuration", "/cds-services"),
    *("/app/", "/app/settings.json", "/app/{name}"),
}


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


def test_each_scope_that_the_configuration_lists_works(http, token):
    for scope in http.get(".well-known/smart-configuration").json()["scopes_supported"]:
        type = scope.split("/")[1].split(".")[0]
        mine = bearer(token(scope, patient=BUSY, fhirUser="Practitioner/1"))
        assert http.get(type, headers=mine).status_code == 200, scope
        assert http.ids(type, headers=mine), scope
