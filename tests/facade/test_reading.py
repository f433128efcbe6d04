"""What the lake has of profiles is read and searched as from any FHIR server, and what does not count is not there."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from facade_lake import BASE, BUSY, OTHER, opened
from fhir.resources.R4B import get_fhir_model_class

import fhir_profiles
from service.facade.search.parameters import SEARCH

PANEL = f"code={BASE}/CodeSystem/personalization-measure|profile"
EXTENSION = f"{BASE}/StructureDefinition/patient-personalization"


@pytest.fixture(scope="module")
def house(hospital, tmp_path_factory):
    """A server that lets everybody in, shared by the tests that only read."""
    with opened(hospital, tmp_path_factory.mktemp("house"), 'auth = "off"\nrequests_per_minute = 100000') as http:
        yield http


def panel_of(http, patient=BUSY):
    return http.get(f"Patient/{patient}/$personalization-profile").json()


def test_a_profile_is_read_in_one_request(house):
    answer = house.get(f"Patient/{BUSY}/$personalization-profile")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/fhir+json")
    panel = answer.json()
    assert panel["subject"] == {"reference": f"Patient/{BUSY}"}
    assert panel["valueCodeableConcept"]["coding"][0]["code"] == "intensive"
    assert answer.headers["etag"] == f'W/"{panel["meta"]["versionId"]}"'


def test_what_is_served_is_what_the_run_wrote_to_the_server(house, hospital):
    http = house
    ours = panel_of(http)
    theirs = httpx.get(f"{hospital[1]}/Observation/{ours['id']}").json()
    assert {**ours, "meta": None} == {**theirs, "meta": None}
    assert ours["meta"]["tag"] == theirs["meta"]["tag"]


def test_the_query_of_the_guide_brings_the_profile_with_its_provenance(house):
    http = house
    bundle = http.bundle(
        f"Observation?patient={BUSY}&{PANEL}&status=final,amended&_sort=-date&_count=1&_revinclude=Provenance:target"
    )
    panel, provenance = [entry["resource"] for entry in bundle["entry"]]
    assert [entry["search"]["mode"] for entry in bundle["entry"]] == ["match", "include"]
    assert provenance["target"] == [{"reference": f"Observation/{panel['id']}"}]
    assert bundle["entry"][0]["fullUrl"] == f"{http.served.base}/Observation/{panel['id']}"


@pytest.mark.parametrize("type", ["Observation", "Provenance", "Patient"])
def test_each_is_valid_and_read_by_its_id_as_the_search_shows_it(house, type):
    http = house
    found = [entry["resource"] for entry in http.bundle(type)["entry"]]
    assert len(found) == 16
    for resource in found:
        get_fhir_model_class(type).model_validate(resource)
        assert http.get(f"{type}/{resource['id']}").json() == resource


def test_a_search_by_post_is_the_same_search(house):
    http = house
    asked = {"patient": f"Patient/{BUSY}", "status": "final"}
    by_post = http.post("Observation/_search", data=asked).json()
    assert [entry["resource"]["id"] for entry in by_post["entry"]] == http.ids("Observation", params=asked)
    assert len(by_post["entry"]) == 1


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (f"Observation?{PANEL}", 16),
        ("Observation?code=http://loinc.org|profile", 0),
        ("Observation?code=8867-4", 0),
        ("Observation?category=personalization&status=final", 16),
        ("Observation?status=preliminary", 0),
        ("Observation?value-concept=intensive,enhanced", 4),
        (f"Observation?value-concept={BASE}/CodeSystem/personalization-level|intensive", 2),
        ("Observation?date=2026", 0),  # it is of a year that began before
        ("Observation?date=ge2026-07-01", 16),
        ("Observation?date=gt2026-07-01", 0),
        ("Observation?date=lt2025-07-02", 16),
        ("Observation?date=sa2025-06", 16),
        ("Observation?date=sa2025-07", 0),
        ("Observation?personalization-as-of=2026-07-01", 16),
        ("Observation?personalization-valid-until=lt2026-09-29", 0),
        ("Observation?personalization-valid-until=le2026-09-29", 16),
        (f"Patient?personalization-pathway={BASE}/CodeSystem/personalization-pathway|preferred-scheduling", 2),
        ("Patient?personalization-level=standard", 11),
        ("Patient?personalization-pathway=financial-navigation", 0),
        ("Observation?personalization-pathway=financial-navigation", 1),
        ("Observation?_lastUpdated=2026-07-02", 16),
        ("Observation?_lastUpdated=gt2026-07-02T08:00:00.000Z", 0),
        ("Observation?_lastUpdated=ge2026-07-02T10:00:00%2B02:00", 16),
        ("Observation?_lastUpdated=lt2026-07-02T10:00:00%2B02:00", 0),
        (f"Observation?patient={BUSY},Patient/{OTHER}", 2),
        (f"Observation?patient={BUSY}&patient={OTHER}", 0),
        ("Observation?subject=Patient/nobody", 0),
        (f"Observation?patient=https://elsewhere.example/Patient/{BUSY}", 0),
        (f"Provenance?patient={BUSY}", 1),
        (f"Patient?_id={BUSY},nobody", 1),
        ("List", 0),
    ],
)
def test_each_parameter_means_what_fhir_says(house, query, count):
    http = house
    bundle = http.bundle(f"{query}{'&' if '?' in query else '?'}_count=200")
    assert (len(bundle.get("entry", [])), bundle["total"]) == (count, count)


@pytest.mark.parametrize(
    "query",
    [
        "Observation?patient:Patient=1",
        "Observation?subject.name=x",
        "Observation?nonsense=1",
        "Observation?patient=",
        "Observation?patient=' OR 1=1 --",
        "Observation?code=a|b|c",
        "Observation?date=soon",
        "Observation?date=2026-13",
        "Observation?date=0000-01-01",
        "Observation?_count=-1",
        "Observation?_count=1&_count=2",
        "Observation?_sort=value",
        "Observation?_include=Observation:subject",
        "Patient?_revinclude=Provenance:target",
        "Patient?_has:Observation:patient:code=1",
        "Observation?_summary=text",
        "Observation/%27%20OR%201=1",
    ],
)
def test_what_is_not_understood_is_refused_and_never_ignored(house, query):
    answer = house.get(query)
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_pages_tell_each_profile_once_and_their_links_tell_nothing(house):
    http = house
    for sort in ("", "&_sort=-date", "&_sort=_lastUpdated"):
        url, met, pages = f"Observation?_count=3{sort}", [], 0
        while url:
            bundle = http.bundle(url)
            met += [entry["resource"]["id"] for entry in bundle["entry"]]
            pages += 1
            url = next((each["url"] for each in bundle["link"] if each["relation"] == "next"), None)
            # What is sealed is random text: only its name can be held against anything.
            assert url is None or ([*parse_qs(urlsplit(url).query)] == ["_page"] and BUSY not in url)
        assert (len(met), len(set(met)), pages) == (16, 16, 6)


def test_a_link_that_was_touched_or_is_of_another_edition_is_refused(served):
    http = served()
    (link,) = [each["url"] for each in http.bundle("Observation?_count=3")["link"] if each["relation"] == "next"]
    assert http.get(link).status_code == 200
    middle = link[:-20] + ("A" if link[-20] != "A" else "B") + link[-19:]
    assert http.get(middle).status_code == 410
    assert http.get(link.replace("/Observation?", "/Provenance?")).status_code == 400
    http.wiring.lake.served("clinic").unlink()
    assert http.wiring.refresh()
    assert http.get(link).status_code == 410


def test_a_file_seals_its_links_with_a_key_of_its_own(served):
    http = served()
    before = http.served.shelf.about.key
    http.wiring.lake.served("clinic").unlink()
    http.wiring.refresh()
    assert len({before, http.served.shelf.about.key}) == 2 and len(before) == 32


def test_counting(house):
    http = house
    assert "total" not in http.bundle("Observation?_count=3")
    assert http.bundle("Observation?_count=3&_total=accurate")["total"] == 16
    for alone in ("_summary=count", "_count=0"):
        bundle = http.bundle(f"Observation?{alone}&patient={BUSY}")
        assert (bundle["total"], "entry" in bundle) == (1, False)
    assert len(http.bundle("Observation?_count=100000")["entry"]) == 16


def test_conditional_reads(house):
    http = house
    for path in (f"Observation/{panel_of(http)['id']}", f"Patient/{BUSY}/$personalization-profile"):
        etag = http.get(path).headers["etag"]
        same = http.get(path, headers={"If-None-Match": f'W/"other", {etag}'})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
        assert http.get(path, headers={"If-None-Match": 'W/"other"'}).status_code == 200


def test_json_alone_is_spoken_and_it_is_said_so(house):
    http = house
    for wanted in ("application/fhir+xml", "text/html", "application/fhir+json; fhirVersion=5.0"):
        answer = http.get("Observation", headers={"Accept": wanted})
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (406, "not-supported"), wanted
    assert http.get("Observation?_format=xml").status_code == 406
    for wanted in ("application/json", "application/fhir+json; fhirVersion=4.0", "text/html, */*;q=0.8"):
        assert http.get("Observation", headers={"Accept": wanted}).status_code == 200, wanted
    assert http.get("Observation?_format=json", headers={"Accept": "text/html"}).status_code == 200
    body = http.post("Observation/_search", content=b"{}", headers={"Content-Type": "application/json"})
    assert body.status_code == 415


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "Observation/nothing-here", 404),
        ("GET", "Encounter", 404),
        ("GET", "Encounter/1", 404),
        ("GET", "Patient/nobody/$personalization-profile", 404),
        ("PUT", "Observation/1", 405),
        ("DELETE", "Patient/1", 405),
        ("POST", "Observation", 405),
        ("GET", "a/b/c/d", 404),
    ],
)
def test_every_error_is_an_operation_outcome(house, method, path, status):
    answer = house.request(method, path)
    assert answer.status_code == status
    assert (answer.json()["resourceType"], answer.headers["content-type"]) == (
        "OperationOutcome",
        "application/fhir+json",
    )


def test_a_patient_is_shown_whole_where_that_is_set(served, planted):
    http = served('auth = "off"\npatient = "whole"')
    (theirs,) = [each for each in planted[0]["Patient"] if each["id"] == BUSY]
    ours = http.get(f"Patient/{BUSY}").json()
    assert [each["url"] for each in ours["extension"]] == [EXTENSION]
    for name in set(theirs) - {"meta", "extension"}:
        assert ours[name] == theirs[name]
    assert "name" not in served().get(f"Patient/{BUSY}").json()


def test_rankings_are_served_only_where_they_are_asked_for(served):
    http = served('auth = "off"\nreports = ["visits"]')
    (listed,) = http.bundle("List")["entry"]
    assert listed["resource"]["entry"][0]["item"]["reference"].startswith("Patient/")
    (report,) = http.bundle("MeasureReport")["entry"]
    for each in (listed, report):
        resource = each["resource"]
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        assert http.get(f"{resource['resourceType']}/{resource['id']}").json() == resource
    assert http.ids(f"MeasureReport?measure={BASE}/Measure/top-patients") == [report["resource"]["id"]]
    assert http.ids("List?code=visits-p1y") == [listed["resource"]["id"]]
    assert http.ids("List?code=charges-p1y") == []


def test_the_statement_served_is_the_one_published_and_it_is_true(house):
    http = house
    told = http.get("metadata").json()
    get_fhir_model_class("CapabilityStatement").model_validate(told)
    published = fhir_profiles.load("r4", "CapabilityStatement/personalization-service")
    own = {"id", "kind", "url", "instantiates", "software", "implementation"}
    assert {k: v for k, v in told.items() if k not in own} == {k: v for k, v in published.items() if k not in own}
    assert told["instantiates"] == [published["url"]]
    stated = {
        each["type"]: {by["name"]: by["type"] for by in each["searchParam"]} for each in told["rest"][0]["resource"]
    }
    assert stated == {type: {name: each.kind for name, each in known.items()} for type, known in SEARCH.items()}
    operations = [
        *told["rest"][0]["operation"],
        *[one for each in told["rest"][0]["resource"] for one in each.get("operation", [])],
    ]
    defined = {
        fhir_profiles.load("r4", each["definition"].rpartition("/")[2])["code"]: each["name"] for each in operations
    }
    assert defined == {"personalize": "personalize", "personalization-profile": "personalization-profile"}
    for each in told["rest"][0]["resource"]:
        assert {one["code"] for one in each["interaction"]} == {"read", "search-type"}
        assert http.get(each["type"]).status_code == 200


def test_health_and_readiness(served):
    http = served()
    assert httpx_json(http, "/healthz") == (200, {"status": "ok"})
    assert httpx_json(http, "/readyz") == (200, {"status": "ok"})
    http.served.draining = True
    assert httpx_json(http, "/readyz")[0] == 503
    assert httpx_json(http, "/healthz")[0] == 200


def httpx_json(http, path):
    answer = http.get(f"{http.root}{path}")
    return answer.status_code, answer.json()


def test_many_at_once_are_answered_alike(served):
    http = served('auth = "off"\nrequests_per_minute = 100000')
    with ThreadPoolExecutor(8) as crew:
        found = set(crew.map(lambda _: http.get("Observation?_count=200").json()["total"], range(40)))
    assert found == {16}


def test_a_lake_without_a_run_is_refused_with_what_to_do(personalize, tmp_path):
    (tmp_path / "personalize.toml").write_text('[sources.clinic]\nurl = "http://127.0.0.1:9/fhir"\n')
    said = personalize("serve", "--auth", "off")
    assert said.code == 1 and "there is no lake here" in said.err
