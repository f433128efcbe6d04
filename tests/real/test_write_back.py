"""Write-back on a real HAPI, which differs from the specification: 409 for 412, no If-None-Match, deletions counted.

The patients are of this test alone; everything is judged by what HAPI itself answers.
"""

import asyncio
import datetime as dt
import json

import pytest
from derived_files import Derived, write

from service.catalog import Catalog, Run
from service.lake import Lake, write_json
from service.server.client import FhirServer
from service.settings import Source
from service.write_back import apply, plan, undo

PATIENT = '{"resourceType":"Patient","id":"%s","multipleBirthInteger":2,"extension":[{"url":"http://x.org/y","valueDecimal":100.00}]}'
IDS = ("write-back-1", "write-back-2")


class Hospital:
    """A HAPI, a lake and a catalog."""

    def __init__(self, hapi, catalog, lake):
        self.source, self.catalog, self.lake = Source(url=hapi.base, name="write-back"), catalog, lake
        self.http, self.nights = hapi.client(), 0

    def talk(self, work):
        async def session():
            async with FhirServer(self.source) as server:
                return await work(server)

        return asyncio.run(session())

    def planned(self, *derived):
        self.nights += 1
        clock = dt.datetime(2026, 7, 1, self.nights, tzinfo=dt.UTC)
        run = self.catalog.begin(Run.starting(self.source.id, self.source.url, "local", clock))
        raw = self.lake.raw(run.source, run.run)
        raw.mkdir(parents=True)
        lines = [self.http.get(f"/Patient/{each}").content.replace(b"\n", b"") + b"\n" for each in IDS]
        (raw / "Patient.ndjson").write_bytes(b"".join(lines))
        write_json(raw / "manifest.json", {"limited": True})
        write(self.lake.profiles(run.source, run.run), *derived)
        self.talk(lambda server: plan(server, self.lake, run, self.catalog, rung="patient", recorded=clock))
        return run

    def applied(self, run):
        return self.talk(lambda server: apply(run, server, self.catalog, self.lake))

    def undone(self, run):
        return self.talk(lambda server: undo(run, server, self.catalog))

    def edit(self, patient, text, instead):
        """What a clerk does meanwhile; as text, for a float would lose a digit of 100.00."""
        body = self.http.get(f"/Patient/{patient}").text
        assert text in body
        self.http.put(f"/Patient/{patient}", content=body.replace(text, instead)).raise_for_status()

    def patients(self):
        """Each as HAPI tells it, without what it adds to meta by itself."""
        bodies = [self.http.get(f"/Patient/{each}").text for each in IDS]
        return [{**json.loads(body, parse_float=str), "meta": None} for body in bodies]

    def standing(self, run):
        """Status of each resource that the run wrote about the first patient."""
        states = ("done", "undone")
        writes = self.catalog.writes(run.run, f"Patient/{IDS[0]}", states)
        return {write.resource.split("/")[0]: self.http.get(f"/{write.resource}").status_code for write in writes}


@pytest.fixture
def hospital(hapi, tmp_path):
    lake = Lake(tmp_path / "lake").open()
    with Catalog.open(lake.catalog) as catalog:
        hospital = Hospital(hapi, catalog, lake)
        for each in IDS:
            hospital.http.put(f"/Patient/{each}", content=PATIENT % each).raise_for_status()
        yield hospital
        hospital.http.close()


def profiles(level):
    return Derived(IDS[0], level=level), Derived(IDS[1], level=None, level_absent="deceased")


def test_written_once_changed_undone_and_written_again(hospital):
    before = hospital.patients()
    first = hospital.planned(*profiles("standard"))
    assert hospital.applied(first)["written"] == {"Device": 1, "Observation": 2, "Provenance": 2, "Patient": 1}
    assert hospital.applied(first)["written"] == {}
    assert hospital.applied(hospital.planned(*profiles("standard")))["written"] == {}

    second = hospital.planned(*profiles("intensive"))
    hospital.edit(IDS[0], '"multipleBirthInteger":2', '"gender":"female","multipleBirthInteger":2')
    assert hospital.applied(second)["written"] == {"Observation": 1, "Provenance": 1, "Patient": 1}
    assert hospital.patients()[0]["gender"] == "female"

    assert hospital.undone(second)["set_aside"] == []
    assert hospital.undone(first)["set_aside"] == []
    assert hospital.standing(first) == {"Observation": 410, "Provenance": 410, "Patient": 200}
    assert hospital.patients() == [before[0] | {"gender": "female"}, before[1]]

    again = hospital.planned(*profiles("standard"))
    assert hospital.applied(again)["set_aside"] == []
    assert hospital.standing(again) == {"Observation": 200, "Provenance": 200, "Patient": 200}
    assert hospital.undone(again)["set_aside"] == []
