"""Faults 4 and 5: many workers write the same patients at the same moment, none of which stood there before."""

import asyncio
import json
from contextlib import ExitStack

import pytest
from derived_files import Derived

from service.catalog import Catalog
from service.lake import Lake
from service.server.client import FhirServer
from service.write_back import apply

WORKERS = 8


@pytest.mark.parametrize("manner", ["", 'no = ["transaction"]', 'no = ["transaction", "batch"]'])
def test_parallel_first_creates_end_as_one_resource(wrong, tmp_path, manner):
    world = wrong(manner)
    world.patients("a")
    with ExitStack() as held:
        planned = []
        for n in range(WORKERS):
            world.lake = Lake(tmp_path / f"machine{n}").open()
            world.catalog = held.enter_context(Catalog.open(world.lake.catalog))
            planned.append((world.planned(Derived("a", level="enhanced"))[0], world.catalog, world.lake))
        told = asyncio.run(at_once(world.source, planned))
    assert [each["set_aside"] for each in told] == [[]] * WORKERS
    versions = world.sandbox.versions()
    assert sorted((reference.partition("/")[0], n) for reference, n in versions.items()) == [
        ("Device", 1),
        ("Observation", 1),
        ("Patient", 2),
        ("Provenance", 1),
    ]
    assert sum(each["written"].get("Observation", 0) for each in told) == 1
    [panel] = world.stored("Observation").values()
    assert json.loads(panel)["subject"] == {"reference": "Patient/a"}


async def at_once(source, planned):
    async def one(run, catalog, lake):
        async with FhirServer(source) as server:
            return await apply(run, server, catalog, lake)

    return await asyncio.gather(*(one(*each) for each in planned))
