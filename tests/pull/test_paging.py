"""However a server pages, the lake holds the set of (type, id, version) that it has, each resource once."""

import json

import pytest
from fastapi import Response

from service.sandbox import Faults
from service.sandbox.faults import Plan
from service.sandbox.http import FHIR_JSON


def habit(hospital, toml):
    hospital.sandbox.faults.replan(Faults.of(f"[paging]\n{toml}").plan)
    return hospital


LINKS = ["base", "root", "relative", "path", "query", "encoded", "long", "inner-host", "doubled-port"]


@pytest.mark.parametrize("link", LINKS)
def test_a_next_link_of_any_form_is_followed_to_the_letter(hospital, link):
    said = habit(hospital, f'link = "{link}"').pull()
    assert said.code == 0, said.err
    assert hospital.lake == hospital.versions
    assert len(hospital.asked("page")) >= 4  # of the Encounters alone


def test_a_link_that_leaves_the_base_is_not_followed(hospital):
    said = habit(hospital, 'link = "elsewhere"').pull()
    assert said.code == 1
    assert "leads away from the server's base" in said.err
    assert hospital.asked("/another/") == []


@pytest.mark.parametrize(
    "way",
    ["empty = true", "shrinking = true", "size = 3", "overlap = 2", 'total = "estimate"', "empty = true\noverlap = 1"],
)
def test_pages_of_any_size_that_are_empty_or_repeat_themselves_tell_all_of_it_once(hospital, way):
    said = habit(hospital, way).pull()
    assert said.code == 0, said.err
    assert hospital.lake == hospital.versions
    assert said.json["pulled"]["Encounter"] == 20


def test_of_a_resource_that_changes_while_it_is_paged_the_newest_version_is_kept(hospital):
    habit(hospital, "overlap = 2")
    changed = []

    def in_between(_method, path, _body):
        if "_getpages" in path and not changed:
            changed.append(True)
            hospital.put({**visit_of(hospital, "e1-2"), "status": "cancelled"})

    hospital.sandbox.before = in_between
    hospital.pull()
    assert changed
    hospital.sandbox.before = None
    assert hospital.pull().code == 0
    assert hospital.lake == hospital.versions


def visit_of(hospital, key):
    return json.loads(hospital.sandbox.store.read("Encounter", key).body)


@pytest.mark.parametrize("most", [3, 7, 12])
def test_a_search_that_ends_too_early_without_a_word_is_read_in_parts(hospital, most):
    """As public HAPI ends at 10,000: found out by its own count."""
    hospital.sandbox.store.load(
        json.dumps(each | {"meta": {"versionId": "1", "lastUpdated": f"20{n:02}-03-01T00:00:00Z"}}).encode()
        for n, each in enumerate(old_visits(10), 10)
    )
    said = habit(hospital, f"most = {most}").pull()
    assert said.code == 0, said.err
    missing = [note for note in said.json["notes"] if "missing" in note]
    assert set(hospital.lake.items()) <= set(hospital.versions.items())
    assert {f"Encounter/old{n}" for n in range(10)} <= set(hospital.lake)
    assert (hospital.lake == hospital.versions) == (not missing)


def old_visits(count):
    for n in range(count):
        yield {
            "resourceType": "Encounter",
            "id": f"old{n}",
            "status": "finished",
            "subject": {"reference": "Patient/p1"},
        }


def test_what_cannot_be_read_at_all_is_said_with_its_number(hospital):
    """All 20 were written in one second, so that no part of the time holds fewer."""
    said = habit(hospital, "most = 5").pull()
    assert any("Encounter: the server counts 20 and gave" in note for note in said.json["notes"])


def test_a_server_that_says_in_an_outcome_that_it_cut_the_search_short_is_quoted(hospital):
    said = habit(hospital, "warns = true").pull()
    assert any("Encounter: the search was cut short" in note for note in said.json["notes"])
    assert hospital.lake == hospital.versions


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_link_that_expires_in_the_middle_begins_the_type_again(hospital, status):
    seen = []

    def expires(_method, path, _body):
        if "_getpages" in path:
            seen.append(path)
            return Response(status_code=status) if len(seen) == 3 else None
        return None

    hospital.sandbox.before = expires
    said = hospital.pull()
    assert said.code == 0, said.err
    assert hospital.lake == hospital.versions
    assert len(hospital.asked("/Encounter?_count")) + len(hospital.asked("/Patient?_count")) == 3


def test_links_that_expire_each_time_end_the_pull_and_it_is_said_why(hospital):
    hospital.sandbox.before = lambda _m, path, _b: Response(status_code=410) if "_getpages" in path else None
    said = hospital.pull()
    assert said.code == 1
    assert "the next link is known no more: 410" in said.err


def test_links_that_live_for_a_few_requests_alone_are_used_at_once(hospital):
    hospital.sandbox.faults.replan(Plan.model_validate({"paging": {"lives": 8}}))
    assert hospital.pull().code == 0
    assert hospital.lake == hospital.versions


def test_patients_are_read_before_anything_else(hospital):
    hospital.pull()
    searched = [path for path in hospital.asked("_count=") if "_getpages" not in path]
    assert searched[0].startswith("/fhir/Patient?")
    assert not any("include" in path or "everything" in path for path in hospital.asked(""))


def test_a_fresh_search_is_asked_for(hospital):
    """HAPI answers from a search of a minute ago otherwise."""
    seen = []
    hospital.sandbox.app.middleware_stack = None

    @hospital.sandbox.app.middleware("http")
    async def noting(request, call_next):
        seen.append(request.headers.get("cache-control"))
        return await call_next(request)

    hospital.pull()
    assert seen and set(seen) == {"no-cache"}


def test_an_endless_row_of_empty_pages_is_found_out(hospital, monkeypatch):
    monkeypatch.setattr("service.server.caps.CAPS.empty_pages", 5)
    count = iter(range(10_000))

    def endless(_method, path, _body):
        if "/Encounter?_count" not in path and "again" not in path:
            return None
        link = {"relation": "next", "url": f"{hospital.url}?_getpages=again{next(count)}"}
        return Response(json.dumps({"resourceType": "Bundle", "link": [link]}), media_type=FHIR_JSON)

    hospital.sandbox.before = endless
    said = hospital.pull()
    assert said.code == 1
    assert "it does not end" in said.err
    assert next(count) < 20
