"""Profiles on a HAPI that speaks STU3, and on one of R5: written as it speaks, found unchanged, right there."""

import asyncio
from itertools import count

import pytest
from derived_files import Derived, unknown
from derived_files import count as counted
from nights import Nights
from required import require

from fhir_profiles import CANONICAL, read_profile
from service.catalog import Catalog
from service.lake import Lake
from service.publishing import install
from service.settings import Source

from .asked import errors, found, settled
from .hapi.server import missing_tools, running

VERSIONS = {"STU3": "3.0.2", "R5": "5.0.0"}
MEASURES = [counted("ed-visits-p1y", 5), counted("billed-charges-p1y", "120.50", "USD"), unknown("coc-p1y", "too-few")]
PEOPLE = (
    Derived("versions-1", level="intensive", pathways=["proactive-outreach"], measures=MEASURES),
    Derived("versions-2", level="standard", evidence=[f"Claim/c{n}" for n in range(60)], measures=MEASURES),
    Derived("versions-3", level=None, level_absent="deceased", measures=MEASURES),
)
RUNGS = {"patient": "Observation", "flag": "Flag", "document": "DocumentReference"}


class Hospital(Nights):
    """A HAPI of one version with the definitions installed."""

    def __init__(self, hapi, catalog, lake):
        super().__init__(lake, catalog, Source(url=hapi.base, name="versions"), count(1))
        self.hapi, self.http = hapi, hapi.client()

    def pulled(self):
        return [self.http.get(f"/Patient/{each.id}").content.replace(b"\n", b"") for each in PEOPLE]

    def night(self, rung):
        """What one run plans and writes."""
        spoken = {"fhir_version": VERSIONS[self.hapi.fhir_version]}
        return self.written(*PEOPLE, rung=rung, limited=True, manifest=spoken)

    def standing(self, kind):
        entries = self.http.get(f"/{kind}", params={"_count": "100"}).json().get("entry", [])
        return [entry["resource"] for entry in entries]


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
            assert settled(lambda told=resource: errors(hospital.http, told), []) == [], kind
    if rung == "patient":
        assert_cohort(hospital)
    assert hospital.undone(run)["set_aside"] == []
    assert hospital.standing(RUNGS[rung]) == []


def assert_cohort(hospital):
    """By what the guide defines, and by what any server has."""
    levels = {each["subject"]["reference"]: read_profile(each).level for each in hospital.standing("Observation")}
    assert levels == {"Patient/versions-1": "intensive", "Patient/versions-2": "standard", "Patient/versions-3": None}
    pathway = {"personalization-pathway": f"{CANONICAL}/CodeSystem/personalization-pathway|proactive-outreach"}
    assert settled(lambda: found(hospital.http, "Patient", **pathway), {"versions-1"}) == {"versions-1"}
    level = {"value-concept": f"{CANONICAL}/CodeSystem/personalization-level|intensive", "status": "final,amended"}
    assert len(found(hospital.http, "Observation", **level)) == 1
