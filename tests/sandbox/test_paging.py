"""A search's pages: bounded, linked by opaque tokens, and still while the data change."""

from __future__ import annotations

import pytest

from service.sandbox.faults import Plan
from service.sandbox.paging_habits import Paging


@pytest.fixture
def ten(client, patient):
    for n in range(10):
        client.put(patient | {"id": f"p{n}"})
    return client


def test_pages_hold_what_was_asked_for_and_lead_to_the_end(ten):
    pages = list(ten.pages("/Patient?_count=4"))
    assert [[each["id"] for each in ten.found(page)] for page in pages] == [
        ["p0", "p1", "p2", "p3"],
        ["p4", "p5", "p6", "p7"],
        ["p8", "p9"],
    ]
    assert len(list(ten.pages("/Patient?_count=10"))) == 1


def test_a_next_link_is_opaque_and_sits_at_the_base(ten):
    first, other = (ten.get("/Patient?_count=4").json() for _ in range(2))
    link = ten.next_link(first)
    assert link.startswith(f"{ten.url}?_getpages=")
    assert link != ten.next_link(other)
    assert "Patient" not in link


def test_a_page_can_be_read_again(ten):
    link = ten.next_link(ten.get("/Patient?_count=4").json())
    assert [ten.found(ten.get(link).json()) for _ in range(2)] == [ten.found(ten.get(link).json())] * 2


def test_pages_stay_as_they_were_found(ten, patient):
    pages = ten.pages("/Patient?_count=4&active=".removesuffix("&active="))
    found = ten.found(next(pages))
    ten.put(patient | {"id": "p9", "gender": "male"})
    ten.put(patient | {"id": "p0", "gender": "male"})
    ten("DELETE", "/Patient/p8")
    ten.put(patient | {"id": "p10"})
    found += [resource for page in pages for resource in ten.found(page)]
    assert [resource["id"] for resource in found] == [f"p{n}" for n in range(10)]
    assert {resource["gender"] for resource in found} == {"female"}


def test_entries_bear_address_resource_and_mode(ten):
    entry = ten.get("/Patient?_id=p3").json()["entry"][0]
    assert entry["fullUrl"] == f"{ten.url}/Patient/p3"
    assert entry["resource"] == ten.get("/Patient/p3").json()
    assert entry["search"] == {"mode": "match"}


def test_a_total_is_given_only_when_asked_for(ten):
    assert "total" not in ten.get("/Patient?_count=4").json()
    assert all(page["total"] == 10 for page in ten.pages("/Patient?_count=4&_total=accurate"))


@pytest.mark.parametrize("query", ["_summary=count", "_count=0"])
def test_counting_alone_shows_no_resources(ten, query):
    answer = ten.get(f"/Patient?{query}").json()
    assert answer["total"] == 10
    assert "entry" not in answer
    assert ten.next_link(answer) is None


def test_nothing_found_is_an_empty_bundle(client):
    answer = client.get("/Patient").json()
    assert (answer["type"], "entry" in answer, client.next_link(answer)) == ("searchset", False, None)


def test_a_page_has_twenty_by_default_and_a_thousand_at_most(reader):
    assert len(reader.found(reader.get("/Claim").json())) == 20
    assert len(reader.found(reader.get("/Claim?_count=5000").json())) == 1000


def test_the_oldest_link_expires(ten, monkeypatch):
    ten.sandbox.faults.replan(Plan(paging=Paging(lives=2)))
    links = [ten.next_link(ten.get("/Patient?_count=4").json()) for _ in range(3)]
    assert [ten.get(link).status_code for link in links] == [410, 200, 410]
