"""Derived profiles in, a whole night out: planned, applied, undone on a server, with a lake and a catalog."""

import asyncio
import datetime as dt
from dataclasses import dataclass

from derived_files import AS_OF, write

from service.catalog import Catalog, Run
from service.lake import Lake, write_json
from service.server.client import FhirServer
from service.settings import Source
from service.write_back import apply, plan, undo


@dataclass
class Nights:
    """One source and its runs. Times are given, never taken from the clock."""

    lake: Lake
    catalog: Catalog
    source: Source
    nights: object

    def pulled(self):
        """The Patients as they stand, one a line."""
        raise NotImplementedError

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
        (raw / "Patient.ndjson").write_bytes(b"".join(body + b"\n" for body in self.pulled()))
        write_json(raw / "manifest.json", {"limited": limited, **(manifest or {})})
        write(self.lake.profiles(run.source, run.run), *derived, as_of=as_of, policy=policy, **known)
        told = self.talk(
            lambda server: plan(server, self.lake, run, self.catalog, rung=rung, recorded=clock, full=full)
        )
        return run, told

    def applied(self, run, **more):
        return self.talk(lambda server: apply(run, server, self.catalog, self.lake, **more))

    def undone(self, run):
        return self.talk(lambda server: undo(run, server, self.catalog))

    def clock(self):
        return dt.datetime(2026, 7, 1, tzinfo=dt.UTC) + dt.timedelta(hours=next(self.nights))

    def talk(self, work):
        async def session():
            async with FhirServer(self.source) as server:
                return await work(server)

        return asyncio.run(session())

    def written(self, *derived, **how):
        """A whole night: (run, what apply told)."""
        run, _ = self.planned(*derived, **how)
        return run, self.applied(run)
