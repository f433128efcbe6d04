"""A sandbox, a lake and a catalog: derived profiles in, what stands on the server and what the catalog says out."""

import asyncio
import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
from derived_files import AS_OF, write

from service.catalog import Catalog, Run
from service.lake import Lake, write_json
from service.server.client import FhirServer
from service.settings import Source
from service.write_back import apply, plan, undo

URL = "https://w3id.org/fhir-personalization/StructureDefinition/patient-personalization"


@dataclass
class World:
    """One source and its runs. Times are given, never taken from the clock."""

    sandbox: object
    lake: Lake
    catalog: Catalog
    source: Source
    nights: object

    def patients(self, *ids):
        """Patients as a hospital has them, with content that no model knows."""
        for each in ids:
            self.sandbox.store.put(
                b'{"resourceType":"Patient","id":"%s","multipleBirthInteger":2,"x-unknown":{"amount":100.00},'
                b'"name":[{"family":"Example"}]}' % each.encode()
            )
        self.sandbox.requests.clear()

    def planned(
        self,
        *derived,
        rung="patient",
        as_of=AS_OF,
        limited=False,
        policy="1",
        installation="local",
        full=False,
        manifest=None,
        **known,
    ):
        """Pulls the Patients, takes these profiles for derived, and plans: (run, what plan told)."""
        clock = self.clock()
        run = self.catalog.begin(Run.starting(self.source.id, self.source.url, installation, clock))
        raw = self.lake.raw(run.source, run.run)
        raw.mkdir(parents=True)
        (raw / "Patient.ndjson").write_bytes(b"".join(body + b"\n" for body in self.stored("Patient").values()))
        write_json(raw / "manifest.json", {"limited": limited, **(manifest or {})})
        write(self.lake.profiles(run.source, run.run), *derived, as_of=as_of, policy=policy, **known)
        told = self.talk(
            lambda server: plan(server, self.lake, run, self.catalog, rung=rung, recorded=clock, full=full)
        )
        return run, told

    def clock(self):
        return dt.datetime(2026, 7, 1, tzinfo=dt.UTC) + dt.timedelta(hours=next(self.nights))

    def applied(self, run, **more):
        return self.talk(lambda server: apply(run, server, self.catalog, self.lake, **more))

    def written(self, *derived, **how):
        """A whole night: (run, what apply told)."""
        run, _ = self.planned(*derived, **how)
        return run, self.applied(run)

    def limits(self, **limits):
        """Settings of the source from now on."""
        self.source = self.source.model_copy(update=limits)

    def undone(self, run):
        return self.talk(lambda server: undo(run, server, self.catalog))

    def talk(self, work):
        async def session():
            async with FhirServer(self.source) as server:
                return await work(server)

        return asyncio.run(session())

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
        yield World(sandbox, lake, catalog, Source(url=sandbox.url), count())
