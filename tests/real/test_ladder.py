"""Every rung on a real HAPI, and a hundred first creates at once; judged by what HAPI itself answers.

The patients are of these tests alone.
"""

import asyncio
import base64
import json
from contextlib import ExitStack
from itertools import count

import pytest
from derived_files import Derived
from nights import Nights

from service.catalog import Catalog
from service.lake import Lake
from service.server.client import FhirServer
from service.settings import Source
from service.write_back import apply

PATIENT = '{"resourceType":"Patient","id":"%s","extension":[{"url":"http://x.org/y","valueDecimal":100.00}]}'
AT_ONCE = 100


class Clinic(Nights):
    """A lake of its own on the shared HAPI."""

    def __init__(self, hapi, folder, held, patients):
        lake = Lake(folder).open()
        catalog = held.enter_context(Catalog.open(lake.catalog))
        super().__init__(lake, catalog, Source(url=hapi.base, name=f"ladder-{patients[0]}"), count(1))
        self.http, self.patients = hapi.client(), patients
        for each in patients:
            self.http.put(f"/Patient/{each}", content=PATIENT % each).raise_for_status()

    def pulled(self):
        return [self.http.get(f"/Patient/{each}").content.replace(b"\n", b"") for each in self.patients]

    def planned_as(self, rung, level):
        run, _ = self.planned(*(Derived(each, level=level) for each in self.patients), rung=rung, limited=True)
        return run

    def night(self, rung, level):
        run = self.planned_as(rung, level)
        return run, self.applied(run)

    def standing(self, kind):
        """Resources of ours about the first patient."""
        answer = self.http.get(f"/{kind}", params={"patient": self.patients[0]}, headers={"Cache-Control": "no-cache"})
        return [entry["resource"] for entry in answer.json().get("entry", [])]

    def versions(self, reference):
        return self.http.get(f"/{reference}/_history").json()["total"]


@pytest.fixture
def held():
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize(
    ("rung", "kind"),
    [
        ("patient", "Observation"),
        ("observation", "Observation"),
        ("flag", "Flag"),
        ("document", "DocumentReference"),
    ],
)
def test_every_rung_is_written_once_changed_and_undone(hapi, tmp_path, held, rung, kind):
    clinic = Clinic(hapi, tmp_path, held, [f"ladder-{rung}-1", f"ladder-{rung}-2"])
    first, told = clinic.night(rung, "enhanced")
    assert (told["rung"], told["set_aside"], told["notes"]) == ({rung: 2}, [], [])
    [stands] = clinic.standing(kind)
    assert clinic.night(rung, "enhanced")[1]["written"] == {}
    second, told = clinic.night(rung, "intensive")
    assert told["rung"] == {rung: 2}
    assert clinic.versions(f"{kind}/{stands['id']}") == 2
    if kind == "DocumentReference":
        [document] = clinic.standing(kind)
        panel = json.loads(base64.b64decode(document["content"][0]["attachment"]["data"]))
        assert panel["valueCodeableConcept"]["coding"][0]["code"] == "intensive"
    for run in (second, first):
        assert clinic.undone(run)["set_aside"] == []
    assert clinic.standing(kind) == []
    bare = clinic.http.get(f"/Patient/{clinic.patients[0]}").text
    assert json.loads(bare)["extension"] == [{"url": "http://x.org/y", "valueDecimal": 100.00}]
    assert "100.00" in bare


def test_a_hundred_first_creates_end_as_one_resource_with_one_version(hapi, tmp_path, held):
    """A hundred machines, each with a lake of its own and a plan that saw nothing there."""
    clinics = [Clinic(hapi, tmp_path / str(n), held, ["ladder-crowd"]) for n in range(AT_ONCE)]
    planned = [(clinic, clinic.planned_as("observation", "enhanced")) for clinic in clinics]

    async def one(clinic, run):
        async with FhirServer(clinic.source) as server:
            return await apply(run, server, clinic.catalog, clinic.lake)

    async def crowd():
        return await asyncio.gather(*(one(*each) for each in planned))

    told = asyncio.run(crowd())
    assert [each["set_aside"] for each in told] == [[]] * AT_ONCE
    [panel] = clinics[0].standing("Observation")
    assert clinics[0].versions(f"Observation/{panel['id']}") == 1
    assert sum(each["written"].get("Observation", 0) for each in told) == 1
