"""Worlds whose server goes wrong as a TOML says."""

import asyncio
from itertools import count

import pytest
from sleeping import sleep_by
from write_back.conftest import World

from service.catalog import Catalog
from service.lake import Lake
from service.sandbox import Faults, running
from service.settings import Source


@pytest.fixture
def wrong(tmp_path):
    """wrong('no = ["transaction"]'): a world, its sandbox, lake and catalog; several may be had."""
    from contextlib import ExitStack

    with ExitStack() as held:

        def world(toml="", **source):
            sandbox = held.enter_context(running(patients=0, faults=Faults.of(toml)))
            lake = Lake(tmp_path / f"lake{sandbox.url.rpartition(':')[2][:5]}").open()
            catalog = held.enter_context(Catalog.open(lake.catalog))
            return World(lake, catalog, Source(url=sandbox.url, **source), count(), sandbox)

        yield world


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """Nobody waits between tries."""
    monkeypatch.setattr("service.write_back.deliver.PAUSE", 0)
    sleep_by(monkeypatch, _at_once(asyncio.sleep))


def _at_once(sleep):
    async def sleeping(seconds, *rest):
        await sleep(0 if seconds < 1 else seconds, *rest)

    return sleeping
