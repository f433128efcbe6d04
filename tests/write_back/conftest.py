"""A sandbox, a lake and a catalog: derived profiles in, what stands on the server and what the catalog says out."""

import json
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
from nights import Nights

from service.catalog import Catalog
from service.lake import Lake
from service.settings import Source

URL = "https://w3id.org/fhir-personalization/StructureDefinition/patient-personalization"


@dataclass
class World(Nights):
    """On an embedded server."""

    sandbox: object

    def pulled(self):
        return self.stored("Patient").values()

    def patients(self, *ids):
        """Patients as a hospital has them, with content that no model knows."""
        for each in ids:
            self.sandbox.store.put(
                b'{"resourceType":"Patient","id":"%s","multipleBirthInteger":2,"x-unknown":{"amount":100.00},'
                b'"name":[{"family":"Example"}]}' % each.encode()
            )
        self.sandbox.requests.clear()

    def limits(self, **limits):
        """Settings of the source from now on."""
        self.source = self.source.model_copy(update=limits)

    def lines(self, run):
        first, *rest = self.lake.plan(run.source, run.run).read_bytes().splitlines()
        return json.loads(first), [json.loads(line) for line in rest]

    def stored(self, type):
        """'Type/id' -> bytes of all that stand."""
        found = {}
        for reference in self.sandbox.versions():
            if reference.startswith(f"{type}/"):
                found[reference] = self.sandbox.store.read(*reference.split("/")).body
        return found

    def panel(self, patient):
        [found] = [
            each for each in map(parsed, self.stored("Observation").values()) if each["subject"]["reference"] == patient
        ]
        return found

    def patient(self, id):
        return parsed(self.sandbox.store.read("Patient", id).body)

    def extension(self, id):
        return next((each for each in self.patient(id).get("extension", []) if each["url"] == URL), None)

    def everything(self):
        """All that stands, without what a server may move by itself."""
        return {
            reference: timeless(parsed(self.sandbox.store.read(*reference.split("/")).body))
            for reference in self.sandbox.versions()
        }

    def states(self, run):
        with self.catalog._engine.connect() as tx:
            rows = tx.exec_driver_sql("SELECT resource, state FROM written WHERE run = ? ORDER BY id", (run.run,))
            return [(resource.split("/")[0], state) for resource, state in rows]


def parsed(body):
    return json.loads(body, parse_float=Decimal)


def timeless(resource):
    meta = {key: value for key, value in resource["meta"].items() if key not in ("versionId", "lastUpdated", "source")}
    return resource | {"meta": meta}


@pytest.fixture
def world(sandbox, tmp_path: Path):
    lake = Lake(tmp_path / "lake").open()
    with Catalog.open(lake.catalog) as catalog:
        yield World(lake, catalog, Source(url=sandbox.url), count(), sandbox)
