"""A few rows written by hand in, the files of one run of the lake as pull, flatten and derive would leave them out."""

import datetime as dt
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from derived_files import MEASURES, PROFILES

from service.compose.edition import read_edition
from service.engine import Engine
from service.report import Basis, limited

AS_OF = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
OPENS = {
    "p7d": dt.datetime(2026, 6, 24, tzinfo=dt.UTC),
    "p1m": dt.datetime(2026, 6, 1, tzinfo=dt.UTC),
    "p1y": dt.datetime(2025, 7, 1, tzinfo=dt.UTC),
}
VISITS = pa.schema(
    [("id", pa.string()), ("status", pa.string()), ("start", pa.timestamp("us")), ("organization", pa.string())]
)


@dataclass
class Person:
    """`measures`: code to a value, (numerator, denominator), {currency: amount}, or why it is unknown.

    `at`: the organisations of the visits that are the profile's evidence.
    """

    measures: dict = field(default_factory=dict)
    level: str | None = "standard"
    pathways: list = field(default_factory=list)
    rationale: list = field(default_factory=list)
    deceased: bool = False
    at: list = field(default_factory=list)
    resource: dict = field(default_factory=dict)


def lake_of(folder: Path, people: dict, *, restricted: bool | None = False, as_of=AS_OF, run="r1") -> Basis:
    """`people` by id; `restricted` None: the manifest does not say."""
    raw, facts, profiles = (folder / part / run for part in ("raw", "facts", "profiles"))
    for each in (raw, facts, profiles):
        each.mkdir(parents=True)
    (raw / "manifest.json").write_text(json.dumps({} if restricted is None else {"limited": restricted}))
    resources = [{"resourceType": "Patient", "id": who, **person.resource} for who, person in people.items()]
    (raw / "Patient.ndjson").write_text("".join(json.dumps(each) + "\n" for each in resources))
    _table(profiles / "profiles.parquet", PROFILES, [_profile(who, person) for who, person in people.items()])
    rows = [row for who, person in people.items() for row in _measures(who, person)]
    _table(profiles / "measures.parquet", MEASURES, rows)
    visits = [visit for who, person in people.items() for visit in _visits(who, person)]
    _table(facts / "visits.parquet", VISITS, visits)
    told = {"as_of": as_of.isoformat(), "time_zone": "UTC", "policy_version": "1", "policy_hash": "sha256:" + "a" * 64}
    (profiles / "profiles.json").write_text(json.dumps(told))
    edition = read_edition(profiles, source_id="s", installation="test", recorded=as_of, algorithm="0.1.0")
    return Basis(run, "http://127.0.0.1/fhir", raw, facts, profiles, edition, OPENS, limited(raw))


@contextmanager
def engine(folder: Path):
    with Engine.open(folder / "spill") as opened:
        yield opened


def _table(path, schema, rows):
    pq.write_table(pa.Table.from_pylist(rows, schema), path)


def _profile(who, person):
    level = None if person.deceased else person.level
    return {
        "patient": f"Patient/{who}",
        "deceased": person.deceased,
        "level": level,
        "level_absent": None if level else "deceased" if person.deceased else "too-little-data",
        "pathways": sorted(person.pathways),
        "rationale": [{"code": code, "measure": "visits-p1y", "unit": "1"} for code in person.rationale],
        "evidence": [f"Encounter/{visit['id']}" for visit in _visits(who, person)],
        "sensitive_excluded": 0,
    }


def _visits(who, person):
    first = dt.datetime(2026, 1, 1)
    return [
        {"id": f"{who}-{n}", "status": "finished", "start": first + dt.timedelta(days=n), "organization": place}
        for n, place in enumerate(person.at)
    ]


def _measures(who, person):
    for code, stated in person.measures.items():
        row = {"patient": f"Patient/{who}", "code": code, "unit": "1"}
        if isinstance(stated, str):
            yield row | {"unknown": stated}
        elif isinstance(stated, dict):
            yield from (row | {"unit": unit, "value": Decimal(amount)} for unit, amount in stated.items())
        elif isinstance(stated, tuple):
            part, whole = stated
            yield row | {"value": round(Decimal(part) / whole, 6), "numerator": part, "denominator": whole}
        else:
            yield row | {"value": Decimal(str(stated))}
