"""The same lines on DuckDB and on Spark: every fact, measure, level and report the same, row by row."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import pytest
from derive.lakes import DATA, derive_in, flatten_in, pulled
from oracle.synthea import read

from service.engine import DUCKDB, Engine
from service.sandbox import running

DEMO = 40
AT_LEISURE = pytest.mark.timeout(1_200)  # of Spark's two hundred questions a derivation, on a machine with other work
INSTANTS = re.compile(rb'"(lastUpdated|recorded)": ?"[^"]*"')
FACTS = (
    "adjudications", "claim_items", "claims", "diagnoses", "links", "opt_outs", "patients", "payments", "restricted",
    "restricted_claims", "roles", "unusable", "visits",
)  # fmt: skip
REPORTS = (
    ("report", "top"),
    ("report", "top", "--by", "charges", "--organization"),
    ("report", "top", "--by", "liability", "--aggregate"),
    ("report", "equity"),
    ("report", "fragmentation"),
)


def assert_the_same(left: Path, right: Path, name: str):
    """The same rows, as often, of the same types."""
    one, other = (f"read_parquet('{folder}/{name}.parquet')" for folder in (left, right))
    assert _columns(one) == _columns(other), name
    only = f"(FROM {one} EXCEPT ALL FROM {other})", f"(FROM {other} EXCEPT ALL FROM {one})"
    assert [duckdb.sql(f"{rows} LIMIT 3").fetchall() for rows in only] == [[], []], name


def _columns(table):
    return [row[:2] for row in duckdb.sql(f"DESCRIBE FROM {table}").fetchall()]


def _in(lake: Path, part: str) -> Path:
    (only,) = (path.parent for path in lake.glob(f"{part}/*/*/{part}.json"))
    return only


@pytest.fixture
def by_spark(monkeypatch, real_spark):
    monkeypatch.setenv("PERSONALIZE_ENGINE", "spark")
    monkeypatch.setenv("PERSONALIZE_SPARK_MASTER", real_spark.spark_master)
    monkeypatch.setenv("PERSONALIZE_SPARK", json.dumps(real_spark.spark))


@AT_LEISURE
def test_the_demo_s_and_the_planted_patients_from_the_server_and_back(personalize, planted, tmp_path, request):
    """The server has the same address both times, for ids are made of it."""
    ours, sparks = tmp_path / "ours", tmp_path / "sparks"
    with running(patients=DEMO) as server:
        port = urlsplit(server.url).port
        by_duckdb = _told(personalize, server, planted, ours)
    request.getfixturevalue("by_spark")
    with running(patients=DEMO, port=port) as server:
        by_spark = _told(personalize, server, planted, sparks)

    assert by_spark[0] == by_duckdb[0]
    for name in FACTS:
        assert_the_same(_in(ours, "facts"), _in(sparks, "facts"), name)
    for name in ("profiles", "measures"):
        assert_the_same(_in(ours, "profiles"), _in(sparks, "profiles"), name)
    assert by_spark[1] == by_duckdb[1]
    assert sum(key.startswith("Observation/") for key in by_duckdb[1]) > DEMO


def _told(personalize, server, planted, lake):
    """What the commands print, but for how long they took and when that was; and what stands on the server."""
    resources, _ = planted
    server.store.load(json.dumps(each).encode() for kind in resources.values() for each in kind)
    run = ("run", server.url, "--as-of", "2026-07-01", "--apply", "--write", "patient")
    said = [personalize(*words, "--lake", lake, "--json") for words in (run, *((*r, server.url) for r in REPORTS))]
    assert [each.err for each in said if each.code not in (0, 3)] == []
    return [_without_the_clock(each.json) for each in said], dict(_written(server.store))


def _written(store):
    """Each resource's bytes, but for the instants at which the server stored it and Provenance was recorded."""
    for key in store.versions():
        yield key, INSTANTS.sub(b"", store.read(*key.split("/")).body)


def _without_the_clock(document):
    if isinstance(document, dict):
        kept = {name: value for name, value in document.items() if name not in ("seconds", "recorded", "run")}
        return {name: _without_the_clock(value) for name, value in kept.items()}
    return [_without_the_clock(each) for each in document] if isinstance(document, list) else document


@AT_LEISURE
def test_a_hundred_patients_of_synthea(real_spark, tmp_path):
    resources = read(DATA / "synthea" / "r4")
    lines = [each for kind in ("Patient", "Encounter", "Claim") for each in resources[kind]]
    lakes = {}
    for kind in (DUCKDB, real_spark):
        lake = lakes[kind.name] = pulled(tmp_path / kind.name, lines)
        with Engine.open(lake.spill, kind) as engine:
            facts = flatten_in(lake, engine, zone="America/New_York")
            report = derive_in(lake, engine, as_of=datetime(2020, 1, 1, tzinfo=UTC), zone="America/New_York")
        assert (facts["facts"]["visits"], report["profiles"]) > (1_000, 100)
    roots = [lake.root for lake in lakes.values()]
    for name in FACTS:
        assert_the_same(*(_in(root, "facts") for root in roots), name)
    for name in ("profiles", "measures"):
        assert_the_same(*(_in(root, "profiles") for root in roots), name)


def test_a_view_of_one_s_own(personalize, planted, tmp_path, request):
    resources, _ = planted
    (tmp_path / "Encounter.ndjson").write_text("".join(json.dumps(each) + "\n" for each in resources["Encounter"]))
    view = {
        "resource": "Encounter",
        "select": [
            {"column": [{"name": "id", "path": "id"}, {"name": "began", "path": "period.start", "type": "dateTime"}]},
            {"forEachOrNull": "participant", "column": [{"name": "who", "path": "individual.reference"}]},
        ],
    }
    (tmp_path / "view.json").write_text(json.dumps(view))
    words = "flatten", "--view", "view.json", "--from", ".", "--to", "csv", "--out"
    assert personalize(*words, "duckdb.csv").code == 0
    request.getfixturevalue("by_spark")
    assert personalize(*words, "spark.csv").code == 0
    ours, sparks = (sorted((tmp_path / f"{name}.csv").read_text().splitlines()) for name in ("duckdb", "spark"))
    assert sparks == ours and len(ours) > 50
