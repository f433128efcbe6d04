"""Write-back on a real HAPI, which differs from the specification: 409 for 412, no If-None-Match, deletions counted.

The patients are of this test alone; everything is judged by what HAPI itself answers.
"""

import json
from itertools import count

import pytest
from derived_files import Derived
from nights import Nights

from service.catalog import Catalog
from service.lake import Lake
from service.settings import Source

PATIENT = '{"resourceType":"Patient","id":"%s","multipleBirthInteger":2,"extension":[{"url":"http://x.org/y","valueDecimal":100.00}]}'
IDS = ("write-back-1", "write-back-2")


class Hospital(Nights):
    """On a HAPI."""

    def __init__(self, hapi, catalog, lake):
        super().__init__(lake, catalog, Source(url=hapi.base, name="write-back"), count(1))
        self.http = hapi.client()

    def pulled(self):
        return [self.http.get(f"/Patient/{each}").content.replace(b"\n", b"") for each in IDS]

    def night(self, *derived):
        run, _ = self.planned(*derived, limited=True)
        return run

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
    first = hospital.night(*profiles("standard"))
    assert hospital.applied(first)["written"] == {"Device": 1, "Observation": 2, "Provenance": 2, "Patient": 1}
    assert hospital.applied(first)["written"] == {}
    assert hospital.applied(hospital.night(*profiles("standard")))["written"] == {}

    second = hospital.night(*profiles("intensive"))
    hospital.edit(IDS[0], '"multipleBirthInteger":2', '"gender":"female","multipleBirthInteger":2')
    assert hospital.applied(second)["written"] == {"Observation": 1, "Provenance": 1, "Patient": 1}
    assert hospital.patients()[0]["gender"] == "female"

    assert hospital.undone(second)["set_aside"] == []
    assert hospital.undone(first)["set_aside"] == []
    assert hospital.standing(first) == {"Observation": 410, "Provenance": 410, "Patient": 200}
    assert hospital.patients() == [before[0] | {"gender": "female"}, before[1]]

    again = hospital.night(*profiles("standard"))
    assert hospital.applied(again)["set_aside"] == []
    assert hospital.standing(again) == {"Observation": 200, "Provenance": 200, "Patient": 200}
    assert hospital.undone(again)["set_aside"] == []
