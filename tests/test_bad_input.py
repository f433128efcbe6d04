"""What servers send that they should not: each ends in a clear message, or is set aside, counted and listed."""

import json

import httpx
import pytest
import respx
from fastapi import Response
from wrong_pages import looping

FHIR = "application/fhir+json"


@pytest.fixture
def people(sandbox, tmp_path):
    """Three patients with one visit and one claim each, in pages of two."""
    (tmp_path / "personalize.toml").write_text(
        f'[sources.people]\nurl = "{sandbox.url}"\npage_size = 2\npull = "search"\n'
    )
    sandbox.store.load(json.dumps(each).encode() for n in (1, 2, 3) for each in _person(n))
    return sandbox


def _person(n, **visit):
    patient = {"reference": f"Patient/x{n}"}
    yield {"resourceType": "Patient", "id": f"x{n}", "birthDate": "1970-01-01"}
    yield {
        "resourceType": "Encounter",
        "id": f"e{n}",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": patient,
        "period": {"start": "2026-03-01T10:00:00Z", "end": "2026-03-01T10:30:00Z"},
        **visit,
    }
    yield {
        "resourceType": "Claim",
        "id": f"c{n}",
        "status": "active",
        "use": "claim",
        "patient": patient,
        "created": "2026-03-01",
        "total": {"value": 100.0, "currency": "USD"},
    }


def run(personalize, url, *more):
    return personalize("run", url, "--as-of", "2026-07-01", "--json", *more)


def test_an_unreachable_host_is_named_with_what_to_do(personalize):
    said = run(personalize, "http://127.0.0.1:9/fhir")
    assert (said.code, said.out) == (1, "")
    assert "no connection" in said.err
    assert "http://127.0.0.1:9/fhir/metadata" in said.err
    assert "Check the address and that the server runs" in said.err


def test_an_address_that_is_none_is_wrong_usage(personalize):
    said = personalize("run", "hospital")
    assert said.code == 2
    assert "'hospital' is neither an http address nor a source in personalize.toml" in said.err


@respx.mock
def test_a_page_that_is_not_fhir_is_said_to_be_html(personalize):
    respx.get("https://intranet.example.org/metadata").mock(httpx.Response(200, html="<html>Welcome</html>"))
    said = run(personalize, "https://intranet.example.org")
    assert said.code == 1
    assert "no CapabilityStatement in JSON" in said.err
    assert "FHIR base address" in said.err


@pytest.mark.parametrize(
    ("status", "words"), [(401, "give this source a valid token"), (403, "ask its owner for this access")]
)
def test_a_refusal_of_patients_ends_the_run_and_says_which(personalize, people, status, words):
    people.before = lambda _method, path, _body: Response(status_code=status) if "/Patient" in path else None
    said = run(personalize, people.url)
    assert said.code == 1
    assert str(status) in said.err
    assert words.lower() in said.err.lower()


def test_a_refusal_of_claims_alone_leaves_them_unknown_and_the_rest_intact(personalize, people):
    people.before = lambda _method, path, _body: Response(status_code=403) if "/Claim?" in path else None
    said = run(personalize, people.url)
    assert said.code == 0
    assert said.json["pulled"] == {
        "Patient": 3, "Encounter": 3, "Claim": None, "ExplanationOfBenefit": 0, "ClaimResponse": 0, "Condition": 0,
        "PractitionerRole": 0,
    }  # fmt: skip
    assert any("Claim is unknown" in note and "403" in note for note in said.json["notes"])
    assert said.json["profiles"] == 3


@pytest.mark.parametrize("broken", [b"<html>bad gateway</html>", b'{"resourceType":"Bundle","entry":[{"resou'])
def test_a_broken_page_in_the_middle_is_asked_for_again(personalize, people, broken):
    (people_page := _Once(broken)).on(people)
    said = run(personalize, people.url)
    assert said.code == 0
    assert people_page.served == 1
    assert said.json["pulled"]["Encounter"] == 3


@pytest.mark.parametrize("broken", [b"<html>bad gateway</html>", b'{"resourceType":"Bundle","entry":[{"resou'])
def test_a_page_that_stays_broken_ends_the_run_and_nothing_counts_as_pulled(personalize, people, broken, tmp_path):
    _Once(broken, times=99).on(people)
    said = run(personalize, people.url)
    assert (said.code, said.out) == (1, "")
    assert "page 2" in said.err
    assert [path.suffix for path in tmp_path.glob("lake/raw/*/*")] == [".part"]
    assert "Run `personalize pull` first" in personalize("flatten", people.url).err


class _Once:
    """Answers the second page of anything with bytes that are no Bundle, so often."""

    def __init__(self, body, times=1):
        self.body, self.left, self.served = body, times, 0

    def on(self, sandbox):
        sandbox.before = self

    def __call__(self, method, path, body):
        if "_getpages" not in path or not self.left:
            return None
        self.left -= 1
        self.served += 1
        return Response(self.body, media_type=FHIR)


def test_a_next_link_that_loops_is_found_out(personalize, people):
    people.before = looping(people.url, "/Encounter")
    said = run(personalize, people.url)
    assert said.code == 1
    assert "leads back to a page already read" in said.err


def test_a_next_link_to_another_place_is_not_followed(personalize, people):
    away = {"resourceType": "Bundle", "link": [{"relation": "next", "url": "http://127.0.0.1:9/elsewhere?page=2"}]}
    people.before = lambda _method, path, _body: (
        Response(json.dumps(away), media_type=FHIR) if "/Encounter" in path else None
    )
    said = run(personalize, people.url)
    assert said.code == 1
    assert "leads away from the server's base" in said.err


def test_an_empty_server_is_no_failure(personalize, sandbox):
    said = run(personalize, sandbox.url)
    assert said.code == 0
    assert set(said.json["pulled"].values()) == {0}
    assert {"Patient", "Encounter", "Claim", "ExplanationOfBenefit"} <= set(said.json["pulled"])
    assert said.json["profiles"] == 0
    assert any("no patients" in note for note in said.json["notes"])


def test_a_server_without_claims_says_unknown_and_asks_for_none(personalize, people):
    people.before = _Without("Claim", people.url)
    said = run(personalize, people.url)
    assert said.json["pulled"]["Claim"] is None
    assert not any("/Claim?" in request.path for request in people.requests)
    explained = personalize("explain", people.url, "Patient/x1", "--json").json
    charges = next(m for m in explained["measures"] if m["code"] == "billed-charges-p1y")
    assert charges["value"] is None
    assert "does not expose" in charges["unknown"]


class _Without:
    """Serves a CapabilityStatement that does not list one type."""

    def __init__(self, resource_type, url):
        statement = httpx.get(f"{url}/metadata").json()
        rest = statement["rest"][0]
        rest["resource"] = [each for each in rest["resource"] if each["type"] != resource_type]
        self.body = json.dumps(statement)

    def __call__(self, method, path, body):
        return Response(self.body, media_type=FHIR) if path.endswith("/metadata") else None


@pytest.mark.parametrize(
    ("visit", "why"),
    [
        ({"subject": {}}, "subject"),
        ({"subject": {"reference": "#someone"}}, "contained"),
        ({"subject": {"reference": "Patient/nobody"}}, "not among those pulled"),
        ({"period": {}}, "start"),
        ({"period": {"start": "soon"}}, "start"),
        ({"status": "unknown"}, "status"),
    ],
)
def test_a_visit_that_cannot_be_counted_is_set_aside_with_its_place(personalize, sandbox, visit, why):
    sandbox.store.load(json.dumps(each).encode() for each in [*_person(1), *_person(2, **visit)])
    said = run(personalize, sandbox.url)
    assert said.code == 0
    (aside,) = said.json["set_aside"]
    assert aside["where"] == "Encounter/e2"
    assert why in aside["why"]
    assert said.json["profiles"] == 2


@pytest.mark.parametrize("form", ["{url}/Patient/x1", "Patient/x1", "Patient/x1/_history/3"])
def test_references_in_every_resolvable_form_count(personalize, sandbox, form):
    subject = {"reference": form.format(url=sandbox.url)}
    sandbox.store.load(json.dumps(each).encode() for each in _person(1, subject=subject))
    said = run(personalize, sandbox.url)
    assert said.json["set_aside"] == []
    explained = personalize("explain", sandbox.url, "Patient/x1", "--json").json
    assert next(m["value"] for m in explained["measures"] if m["code"] == "outpatient-visits-p1y") == 1


def test_a_reference_to_another_address_counts_where_the_owner_says_that_it_is_this_server(
    personalize, sandbox, tmp_path
):
    there = "https://ehr.example/fhir"
    sandbox.store.load(json.dumps(each).encode() for each in _person(1, subject={"reference": f"{there}/Patient/x1"}))
    said = run(personalize, sandbox.url)
    (aside,) = said.json["set_aside"]
    assert aside["where"] == "Encounter/e1" and "name it in `aliases`" in aside["why"]
    (tmp_path / "personalize.toml").write_text(f'[sources.ehr]\nurl = "{sandbox.url}"\naliases = ["{there}"]\n')
    assert run(personalize, "ehr").json["set_aside"] == []
    explained = personalize("explain", "ehr", "Patient/x1", "--json").json
    assert next(m["value"] for m in explained["measures"] if m["code"] == "visits-p1y") == 1


def test_a_wrong_type_in_a_search_is_set_aside(personalize, people):
    stranger = {
        "resourceType": "Bundle",
        "entry": [{"resource": {"resourceType": "Observation", "id": "o1"}}, {"resource": {"no": "type"}}],
    }
    people.before = lambda _method, path, _body: (
        Response(json.dumps(stranger), media_type=FHIR) if "/Claim?" in path else None
    )
    said = run(personalize, people.url)
    assert {aside["where"] for aside in said.json["set_aside"]} == {"Observation/o1", "Claim search"}
    assert said.json["pulled"]["Claim"] == 0


def test_a_mistake_in_the_settings_names_the_key(personalize, tmp_path):
    (tmp_path / "personalize.toml").write_text(
        '[sources.hospital]\nurl = "https://fhir.example.org"\nwriter = "none"\n'
    )
    said = personalize("run", "hospital")
    assert said.code == 2
    assert "sources.hospital.writer" in said.err
    assert "personalize.toml" in said.err


@pytest.mark.parametrize("meta", ["null", '{"versionId": 5}', '{"tag": null}'])
def test_a_resource_whose_meta_is_broken_is_set_aside_by_its_name(personalize, people, meta):
    entry = f'{{"resource":{{"resourceType":"Patient","id":"odd","meta":{meta}}}}}'
    bundle = f'{{"resourceType":"Bundle","entry":[{entry}]}}'
    people.before = lambda _method, path, _body: Response(bundle, media_type=FHIR) if "/Patient" in path else None
    said = run(personalize, people.url)
    assert said.code == 3
    assert {"Patient/odd"} == {a["where"] for a in said.json["set_aside"] if a["where"].startswith("Patient")}


def test_broken_compression_is_said(personalize, people):
    people.before = lambda _method, path, _body: (
        Response(b"no gzip", media_type=FHIR, headers={"Content-Encoding": "gzip"}) if "/Encounter" in path else None
    )
    said = run(personalize, people.url)
    assert said.code == 1
    assert "compression is broken" in said.err


@pytest.mark.parametrize("address", ["http://[::1", "http://127.0.0.1:99999/fhir", "ftp://example.org"])
def test_an_address_that_cannot_be_one_is_wrong_usage(personalize, address):
    assert personalize("run", address).code == 2


@pytest.mark.parametrize("date", ["9999-12-31", "0001-01-01", "2026-02-30", "2026-07-01T00:00:00"])
def test_an_as_of_that_no_window_fits_is_wrong_usage(personalize, people, date):
    said = personalize("run", people.url, "--as-of", date)
    assert said.code == 2
    assert "is no date" in said.err


@pytest.mark.parametrize("token", ["two\nlines", "sésame", "with space"])
def test_a_token_that_is_none_is_never_shown(personalize, people, tmp_path, token):
    (tmp_path / "token").write_text(token)
    (tmp_path / "personalize.toml").write_text(
        f'[sources.people]\nurl = "{people.url}"\ntoken_file = "{tmp_path / "token"}"\n'
    )
    said = personalize("run", "people")
    assert said.code == 2
    assert "no bearer token has" in said.err
    assert token.split()[0] not in said.err


def test_a_token_is_not_sent_in_the_clear(personalize, tmp_path):
    (tmp_path / "personalize.toml").write_text('[sources.far]\nurl = "http://192.0.2.7/fhir"\ntoken = "abc"\n')
    said = personalize("run", "far")
    assert said.code == 2
    assert "nothing secret is sent over plain http" in said.err
