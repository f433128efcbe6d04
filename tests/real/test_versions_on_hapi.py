"""Profiles on a HAPI that speaks STU3, and on one of R5: written as it speaks, found unchanged, right there."""

import asyncio
import datetime as dt
import time

import pytest
from derived_files import Derived, count, unknown, write
from required import require

from fhir_profiles import CANONICAL, read_profile
from service.catalog import Catalog, Run
from service.lake import Lake, write_json
from service.publishing import install
from service.server.client import FhirServer
from service.settings import Source
from service.write_back import apply, plan, undo

from .hapi.server import missing_tools, running

VERSIONS = {"STU3": "3.0.2", "R5": "5.0.0"}
SETTLES_WITHIN = 120  # seconds: HAPI fills new indexes, and stores larger code systems, in the background
MEASURES = [count("ed-visits-p1y", 5), count("billed-charges-p1y", "120.50", "USD"), unknown("coc-p1y", "too-few")]
PEOPLE = (
    Derived("versions-1", level="intensive", pathways=["proactive-outreach"], measures=MEASURES),
    Derived("versions-2", level="standard", evidence=[f"Claim/c{n}" for n in range(60)], measures=MEASURES),
    Derived("versions-3", level=None, level_absent="deceased", measures=MEASURES),
)
RUNGS = {"patient": "Observation", "flag": "Flag", "document": "DocumentReference"}


class Hospital:
    """A HAPI of one version with the definitions installed, a lake and a catalog."""

    def __init__(self, hapi, catalog, lake):
        self.hapi, self.catalog, self.lake, self.nights = hapi, catalog, lake, 0
        self.source, self.http = Source(url=hapi.base, name="versions"), hapi.client()

    def talk(self, work):
        async def session():
            async with FhirServer(self.source) as server:
                return await work(server)

        return asyncio.run(session())

    def night(self, rung):
        """What one run plans and writes."""
        self.nights += 1
        clock = dt.datetime(2026, 7, 1, self.nights, tzinfo=dt.UTC)
        run = self.catalog.begin(Run.starting(self.source.id, self.source.url, "local", clock))
        raw = self.lake.raw(run.source, run.run)
        raw.mkdir(parents=True)
        bodies = [self.http.get(f"/Patient/{each.id}").content.replace(b"\n", b"") for each in PEOPLE]
        (raw / "Patient.ndjson").write_bytes(b"".join(body + b"\n" for body in bodies))
        write_json(raw / "manifest.json", {"limited": True, "fhir_version": VERSIONS[self.hapi.fhir_version]})
        write(self.lake.profiles(run.source, run.run), *PEOPLE)
        self.talk(lambda server: plan(server, self.lake, run, self.catalog, rung=rung, recorded=clock))
        return run, self.talk(lambda server: apply(run, server, self.catalog, self.lake))

    def undone(self, run):
        return self.talk(lambda server: undo(run, server, self.catalog))

    def standing(self, kind):
        entries = self.http.get(f"/{kind}", params={"_count": "100"}).json().get("entry", [])
        return [entry["resource"] for entry in entries]

    def errors(self, resource):
        kind = resource["resourceType"]
        outcome = self.http.post(f"/{kind}/$validate", json=resource).json()
        return [each["diagnostics"] for each in outcome["issue"] if each["severity"] in ("error", "fatal")]


@pytest.fixture(scope="module", params=VERSIONS)
def hospital(request, tmp_path_factory, real_parts):
    require(missing_tools(), "a HAPI FHIR server")
    with running(tmp_path_factory.mktemp("hapi"), request.param) as server:
        real_parts.append(str(server))
        lake = Lake(tmp_path_factory.mktemp("work") / "lake").open()
        with Catalog.open(lake.catalog) as catalog:
            one = Hospital(server, catalog, lake)
            told = asyncio.run(install(one.source, apply=True))
            assert not told.partial, [step.line() for step in told.steps if step.action == "refused"]
            for each in PEOPLE:
                body = {"resourceType": "Patient", "id": each.id}
                one.http.put(f"/Patient/{each.id}", json=body).raise_for_status()
            yield one
            one.http.close()


@pytest.mark.parametrize("rung", RUNGS)
def test_it_is_written_found_unchanged_and_right(hospital, rung):
    run, first = hospital.night(rung)
    assert first["set_aside"] == []
    assert first["written"][RUNGS[rung]] >= 2
    assert hospital.night(rung)[1]["written"] == {}
    for kind in (RUNGS[rung], "Provenance", "Device", "Patient"):
        for resource in hospital.standing(kind):
            assert settled(lambda told=resource: hospital.errors(told), []) == [], kind
    if rung == "patient":
        assert_cohort(hospital)
    assert hospital.undone(run)["set_aside"] == []
    assert hospital.standing(RUNGS[rung]) == []


def assert_cohort(hospital):
    """By what the guide defines, and by what any server has."""
    levels = {each["subject"]["reference"]: read_profile(each).level for each in hospital.standing("Observation")}
    assert levels == {"Patient/versions-1": "intensive", "Patient/versions-2": "standard", "Patient/versions-3": None}
    pathway = {"personalization-pathway": f"{CANONICAL}/CodeSystem/personalization-pathway|proactive-outreach"}
    assert settled(lambda: found(hospital, "Patient", pathway), {"versions-1"}) == {"versions-1"}
    level = {"value-concept": f"{CANONICAL}/CodeSystem/personalization-level|intensive", "status": "final,amended"}
    assert len(found(hospital, "Observation", level)) == 1


def found(hospital, kind, query):
    entries = hospital.http.get(f"/{kind}", params=query).raise_for_status().json().get("entry", [])
    return {entry["resource"]["id"] for entry in entries}


def settled(ask, wanted):
    """The answer once it is as wanted, or the last one."""
    deadline = time.monotonic() + SETTLES_WITHIN
    while (answer := ask()) != wanted and time.monotonic() < deadline:
        time.sleep(1)
    return answer
