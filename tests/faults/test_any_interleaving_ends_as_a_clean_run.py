"""Property: whatever goes wrong in whatever order, and however often it is begun again, it ends as a clean run ends."""

import asyncio
from contextlib import ExitStack
from itertools import count

import pytest
from derived_files import Derived
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from write_back.conftest import World

from service.catalog import Catalog
from service.errors import PersonalizeError
from service.lake import Lake
from service.sandbox import Faults, running
from service.sandbox.faults import Plan
from service.settings import Source

PEOPLE = (
    Derived("a", level="enhanced"),
    Derived("b", level="intensive"),
    Derived("c", level=None, level_absent="deceased"),
)
MANNERS = ("", 'no = ["transaction"]', 'no = ["transaction", "batch"]', 'no = ["patch"]', 'no = ["update-create"]')
WRONG = st.sampled_from(
    [
        {"do": "drop-before"},
        {"do": "drop-after"},
        {"do": "truncate"},
        {"do": "partial", "entries": 1, "method": "POST", "path": "^$"},
        *({"do": "status", "status": status} for status in (409, 412, 422, 429, 500, 503)),
        *({"do": "status-after", "status": status} for status in (500, 503)),
    ]
)
# What goes wrong at the nth request, and whether the process ends there, as by a kill.
NIGHT = st.lists(st.tuples(st.integers(1, 14), WRONG, st.booleans()), max_size=3)


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(manner=st.sampled_from(MANNERS), nights=st.lists(NIGHT, min_size=1, max_size=3))
@example(manner='no = ["update-create"]', nights=[[(5, {"do": "status", "status": 409}, False)]])
@example(manner='no = ["update-create"]', nights=[[(5, {"do": "status", "status": 422}, False)]])
@example(
    manner='no = ["update-create"]',
    nights=[[(1, {"do": "drop-before"}, False), (6, {"do": "status", "status": 409}, True)]],
)
def test_any_interleaving_ends_as_a_clean_run(tmp_path_factory, manner, nights):
    with ExitStack() as held:
        world = begin(held, manner, tmp_path_factory.mktemp("lake"))
        bare = world.everything()
        run, _ = world.planned(*PEOPLE)
        for night in nights:
            disturbed(world, run, night)
        world.sandbox.faults.replan(Plan())
        world.sandbox.before = None
        assert world.applied(run)["set_aside"] == []
        as_after_a_clean_run(world, run)
        assert world.undone(run)["set_aside"] == []
        assert world.everything() == bare


def begin(held, manner, folder):
    sandbox = held.enter_context(running(patients=0, faults=Faults.of(manner)))
    lake = Lake(folder).open()
    catalog = held.enter_context(Catalog.open(lake.catalog))
    world = World(lake, catalog, Source(url=sandbox.url), count(), sandbox)
    world.patients("a", "b", "c")
    return world


def disturbed(world, run, night):
    faults = [{"nth": nth, "method": "GET|POST|PUT|PATCH", **wrong} for nth, wrong, _ in night]
    if len({(each["nth"]) for each in faults}) < len(faults):
        faults = faults[:1]
    world.sandbox.faults.replan(Plan.model_validate({"fault": faults}))
    kills = any(kill for *_, kill in night)
    try:
        if kills:
            asyncio.run(killed(world, run))
        else:
            world.applied(run)
    except PersonalizeError as error:
        assert error.text  # it says why, and the next night begins again
    except BaseExceptionGroup as several:
        assert several.subgroup(Killed)
    except Killed:
        pass


async def killed(world, run):
    """The process ends at the third answer: what it had not recorded yet is lost with it."""
    from service.server.client import FhirServer
    from service.write_back import apply

    settled, calls = world.catalog.settle, count()

    def settle(states, **how):
        if next(calls) >= 2:
            world.catalog._answered.clear()
            raise Killed
        settled(states, **how)

    world.catalog.settle = settle
    try:
        async with FhirServer(world.source) as server:
            await apply(run, server, world.catalog, world.lake)
    finally:
        del world.catalog.settle
        world.catalog._answered.clear()


def as_after_a_clean_run(world, run):
    versions = world.sandbox.versions()
    kinds = sorted((reference.partition("/")[0], version) for reference, version in versions.items())
    patients = sorted(version for reference, version in versions.items() if reference.startswith("Patient/"))
    assert patients == [1, 2, 2]
    assert [each for each in kinds if each[0] != "Patient"] == [
        ("Device", 1),
        *[("Observation", 1)] * 3,
        *[("Provenance", 1)] * 3,
    ]
    assert "intended" not in {state for _, state in world.states(run)}


@pytest.fixture(autouse=True)
def _hurried(hurried):
    """As everywhere here."""
