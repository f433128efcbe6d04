"""FHIR search: which resources a query finds, and in which order. https://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest

CODES = "https://w3id.org/fhir-personalization/CodeSystem"


def _visit(id, patient="Patient/a", start=None, end=None, **more):
    period = {name: text for name, text in (("start", start), ("end", end)) if text}
    more |= {"period": period} if period else {}
    return {"resourceType": "Encounter", "id": id, "status": "finished", "subject": {"reference": patient}} | more


def _panel(id, level, **more):
    value = {"coding": [{"system": f"{CODES}/level", "code": level}]}
    code = {"coding": [{"system": f"{CODES}/measure", "code": "profile"}]}
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": code,
        "valueCodeableConcept": value,
    } | more


@pytest.fixture(scope="module")
def visits(shared):
    client = shared
    client.put(_visit("e1", start="2026-01-10T09:00:00Z", end="2026-01-10T09:30:00Z"))
    client.put(_visit("e2", start="2026-01-31T23:30:00-05:00", end="2026-02-02T10:00:00Z", status="in-progress"))
    client.put(_visit("e3", patient="http://elsewhere/fhir/Patient/b/_history/4", start="2026-03", end="2026-03"))
    client.put(_visit("e4", patient="Patient/b", start="2026-06-01T00:00:00Z"))
    client.put(_visit("e5", patient="Patient/c"))
    return client


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "e1 e2 e3 e4 e5"),
        ("_id=e1,e3,nobody", "e1 e3"),
        ("patient=a", "e1 e2"),
        ("patient=Patient/a,c", "e1 e2 e5"),
        ("subject=Patient/b", "e3 e4"),
        ("patient=a&patient=b", ""),
        ("patient=a,b&status=in-progress", "e2"),
        ("status=finished,in-progress&patient=c", "e5"),
        ("status=planned", ""),
        ("date=2026-01-10", "e1"),
        ("date=2026-01", "e1"),
        ("date=2026-03", "e3"),
        ("date=ge2026-02-01", "e2 e3 e4"),
        ("date=ge2026-02-02T09:59:59Z", "e2 e3 e4"),
        ("date=gt2026-02-02", "e3 e4"),
        ("date=lt2026-02-01T04:30:00Z", "e1"),
        ("date=le2026-02-01T04:30:00Z", "e1 e2"),
        ("date=le2026-02-01T05:30:00%2B01:00", "e1 e2"),
        ("date=ge2026-02&date=lt2026-06", "e2 e3"),
        ("date=2026-01-10,2026-03", "e1 e3"),
        ("date=ge2030", "e4"),
    ],
)
def test_what_a_query_finds(visits, query, found):
    assert visits.ids(f"/Encounter?{query}") == found.split()
    posted = visits(
        "POST", "/Encounter/_search", content=query, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert [resource["id"] for resource in visits.found(posted.json())] == found.split()


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("_id", "e1 e2 e3 e4 e5"),
        ("-_id", "e5 e4 e3 e2 e1"),
        ("date", "e1 e2 e3 e4 e5"),
        ("-date", "e4 e3 e2 e1 e5"),
        ("-_lastUpdated,_id", None),
    ],
)
def test_in_which_order(visits, sort, order):
    found = visits.ids(f"/Encounter?_sort={sort}&_count=2")
    assert sorted(found) == ["e1", "e2", "e3", "e4", "e5"]
    if order:
        assert found == order.split()


def test_the_newest_comes_last_by_last_updated(client, patient):
    for id in ("p1", "p2", "p1", "p3"):
        client.put(patient | {"id": id, "multipleBirthInteger": len(client.sandbox.requests)})
    updated = {id: client.get(f"/Patient/{id}").json()["meta"]["lastUpdated"] for id in client.ids("/Patient")}
    found = client.ids("/Patient?_sort=_lastUpdated")
    assert [updated[id] for id in found] == sorted(updated.values())


def test_changed_since_a_moment(visits):
    moment = visits.get("/Encounter/e3").json()["meta"]["lastUpdated"]
    assert "e3" in visits.ids(f"/Encounter?_lastUpdated={moment}")
    assert {"e3", "e4", "e5"} <= set(visits.ids(f"/Encounter?_lastUpdated=ge{moment}"))
    assert "e3" not in visits.ids(f"/Encounter?_lastUpdated=gt{moment}")
    assert visits.ids("/Encounter?_lastUpdated=lt2020") == []


def test_identifiers_codes_values_and_tags(client):
    tag = {"system": "https://example.org/tag", "code": "ours"}
    client.put({"resourceType": "Patient", "id": "p1", "identifier": [{"system": "urn:a", "value": "7"}]})
    client.put(
        {"resourceType": "Patient", "id": "p2", "identifier": [{"system": "urn:b", "value": "7"}, {"value": "8"}]}
    )
    client.put(_panel("o1", "intensive", meta={"tag": [tag]}, subject={"reference": "Patient/p1"}))
    client.put(_panel("o2", "standard", subject={"reference": "Patient/p2"}))

    def ids(type, **query):
        return client.ids(f"/{type}?{urlencode(query)}")

    assert ids("Patient", identifier="urn:a|7") == ["p1"]
    assert ids("Patient", identifier="7") == ["p1", "p2"]
    assert ids("Patient", identifier="urn:b|") == ["p2"]
    assert ids("Patient", identifier="|8") == ["p2"]
    assert ids("Observation", code=f"{CODES}/measure|profile") == ["o1", "o2"]
    assert ids("Observation", **{"value-concept": f"{CODES}/level|intensive"}) == ["o1"]
    assert ids("Observation", _tag="https://example.org/tag|ours", status="final,amended") == ["o1"]
    assert ids("Observation", patient="p2", code=f"{CODES}/measure|profile", status="final,amended") == ["o2"]


def test_what_changes_is_found_under_its_new_values_alone(client):
    client.put(_panel("o1", "intensive"))
    level = quote(f"{CODES}/level|", safe="")
    assert client.ids(f"/Observation?value-concept={level}intensive") == ["o1"]
    client.put(_panel("o1", "standard"))
    assert client.ids(f"/Observation?value-concept={level}intensive") == []
    assert client.ids(f"/Observation?value-concept={level}standard") == ["o1"]
    client("DELETE", "/Observation/o1")
    assert client.ids(f"/Observation?value-concept={level}standard") == []
    assert client.ids("/Observation") == []
    client.put(_panel("o1", "intensive"))
    assert client.ids(f"/Observation?value-concept={level}intensive") == ["o1"]


def test_content_that_cannot_be_read_as_meant_is_stored_and_not_found(client):
    client.put({"resourceType": "Encounter", "id": "e", "subject": "nobody", "period": {"start": 7}, "status": 4})
    assert client.ids("/Encounter") == ["e"]
    assert client.ids("/Encounter?date=ge1900") == []
    assert client.ids("/Encounter?patient=nobody&status=finished") == []


def test_provenance_comes_with_its_target_once(client):
    for id in ("o1", "o2", "o3"):
        client.put(_panel(id, "standard"))
    both = [{"reference": "Observation/o1/_history/1"}, {"reference": "Observation/o2"}]
    client.put({"resourceType": "Provenance", "id": "v1", "target": both})
    client.put({"resourceType": "Provenance", "id": "v2", "target": [{"reference": "Observation/o3"}]})
    page = client.get("/Observation?_id=o1,o2&_revinclude=Provenance:target").json()
    assert [resource["id"] for resource in client.found(page)] == ["o1", "o2"]
    assert [resource["id"] for resource in client.found(page, "include")] == ["v1"]
    assert client.ids("/Provenance?target=Observation/o3") == ["v2"]


def test_three_thousand_ids_are_posted(reader):
    ids = ",".join(f"pt-{n:06}" for n in range(1, 3001))
    page = reader("POST", "/Patient/_search", data={"_id": ids, "_count": "1000"}).json()
    assert [resource["id"] for resource in reader.found(page)] == [f"pt-{n:06}" for n in range(1, 31)]


def test_of_a_resource_the_elements_that_are_asked_for_and_that_it_is_a_part(visits):
    [told] = visits.found(visits.get("/Encounter?_id=e1&_elements=status,none").json())
    assert set(told) == {"resourceType", "id", "meta", "status"}
    assert [tag["code"] for tag in told["meta"]["tag"]] == ["SUBSETTED"]
