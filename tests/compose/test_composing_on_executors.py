"""What Spark's executors compose is what this process composes, byte by byte and in the same order."""

import datetime as dt
import json

import pytest
from derive.lakes import RUN, SOURCE, planted, profiled

from service.compose import compose, read_edition
from service.compose.content import encode
from service.compose.rows import Span, read
from service.engine import Engine
from service.errors import EngineProblem
from service.reviews import Review, Reviewing

NOW = dt.datetime(2026, 7, 2, 3, tzinfo=dt.UTC)
WHO = "Patient/p03-emergency"


@pytest.fixture(scope="module")
def profiles(tmp_path_factory):
    return profiled(tmp_path_factory.mktemp("lake"), planted()).lake.profiles(SOURCE, RUN)


@pytest.fixture
def engine(real_spark, tmp_path):
    with Engine.open(tmp_path / "spill", real_spark) as opened:
        yield opened


def edition(profiles):
    return read_edition(profiles, source_id=SOURCE, installation="i", recorded=NOW)


def lines(composed):
    return [(each.patient, each.content, each.row, *map(encode, _parts(each))) for each in composed]


def _parts(each):
    return (each.panel, each.provenance, {"extension": each.extension})


def test_the_same_in_the_same_order(profiles, engine, tmp_path):
    said = Review(SOURCE, WHO, "override", "Practitioner/1", "known well", NOW.isoformat(), "", None, "standard")
    but = tmp_path / "but.ndjson"
    but.write_text(json.dumps({"form": 1}) + "\n" + json.dumps({"patient": "Patient/p02-preventive"}) + "\n")
    for rest in ({}, {"reviewing": Reviewing("all", {WHO: said}, NOW.date())}, {"but": but}):
        here = lines(compose(profiles, edition(profiles), **rest))
        there = lines(compose(profiles, edition(profiles), engine=engine, **rest))
        assert len(here) > 12 and there == here
    assert not list(engine.scratch.rglob("*.ndjson"))


def test_nobody_is_lost_between_spans(profiles):
    everybody = [row.patient for row in read(profiles)]
    middle = everybody[len(everybody) // 2]
    spans = (Span("", middle), Span(middle))
    assert [row.patient for span in spans for row in read(profiles, span=span)] == everybody
    assert list(read(profiles, span=Span(middle))) == [row for row in read(profiles) if row.patient >= middle]


def test_a_task_that_fails_says_why(engine):
    with pytest.raises(EngineProblem) as problem:
        engine.spread(lambda part: 1 / part, [1, 0])
    assert "ZeroDivisionError: division by zero" in problem.value.text and "Traceback" not in problem.value.text
