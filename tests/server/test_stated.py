"""What a server states of itself is asked for once in a while, not at each step."""

import asyncio
import datetime as dt
from dataclasses import replace

from service import pipeline
from service.catalog import Catalog
from service.lake import Lake
from service.sandbox import running
from service.server.capability import Capability, read_capability
from service.server.client import FhirServer
from service.server.stated import KEPT, Stated, Statements
from service.settings import Settings, Source
from service.work import Work


def asked(sandbox):
    return sum(request.path.endswith("/metadata") for request in sandbox.requests)


def test_a_whole_run_asks_once_and_the_next_with_the_same_memory_not_at_all(tmp_path):
    with running(patients=3) as sandbox:
        source = Source(name="clinic", url=sandbox.url)
        lake = Lake(tmp_path / "lake").open()
        with Catalog.open(lake.catalog) as catalog:
            statements = Statements()
            for _ in range(2):
                work = Work.of(Settings(), source, lake, catalog)
                outcome = pipeline.run(replace(work, statements=statements), write=True)
                assert [*outcome.told] == ["pull", "flatten", "derive", "plan", "apply"]
                assert asked(sandbox) == 1
            pipeline.run(Work.of(Settings(), source, lake, catalog))
            assert asked(sandbox) == 2


def test_after_a_while_it_is_asked_again():
    time = [0.0]
    statements = Statements(clock=lambda: time[0])
    with running(patients=1) as sandbox:

        async def told():
            async with FhirServer(Source(name="clinic", url=sandbox.url), statements) as server:
                return await server.stated()

        first = asyncio.run(told())
        for seconds, times in ((KEPT - 1, 1), (KEPT, 2), (2 * KEPT - 1, 2), (2 * KEPT, 3)):
            time[0] = seconds
            assert asyncio.run(told()).capability == first.capability
            assert asked(sandbox) == times


def test_another_server_is_another_matter():
    statements, stated = Statements(), Stated(capability(), dt.timedelta())
    statements.keep("https://one.example/fhir", stated)
    assert statements.of("https://one.example/fhir") is stated
    assert statements.of("https://two.example/fhir") is None


def test_its_clock_goes_on_and_is_never_told_too_late():
    for ahead in (dt.timedelta(hours=2), -dt.timedelta(days=1), dt.timedelta()):
        before = dt.datetime.now(dt.UTC) + ahead
        told = Stated(capability(), ahead).now()
        assert before - dt.timedelta(seconds=1) <= told <= dt.datetime.now(dt.UTC) + ahead
        assert told.microsecond == 0


def capability() -> Capability:
    return read_capability(b'{"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}', "here")
