"""In: FHIR resources. Out: a lake on disk with their facts and profiles, and what those say, in plain Python values."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from service.derive import Policy, derive
from service.engine import Engine
from service.flatten import flatten
from service.lake import Lake

DATA = Path(__file__).parents[1] / "data"
AS_OF = datetime(2026, 7, 1, tzinfo=UTC)
TYPES = ("Patient", "Encounter", "Claim")
OFFERED_WITH_ANY = ("ExplanationOfBenefit", "ClaimResponse", "Condition", "PractitionerRole")  # else not exposed
MONEY = ("billed-charges", "allowed-amount", "insurer-paid", "patient-liability", "patient-paid")
SOURCE, RUN = "http://127.0.0.1/fhir", "r1"


@dataclass(frozen=True)
class Derived:
    """What stands in the lake. `profiles` and `measures` are rows; `value` answers as the oracle does."""

    lake: Lake
    flattened: dict
    report: dict
    profiles: dict
    measures: dict

    def value(self, who, code):
        """A count, a fraction, a date, {currency: amount}, or None where it is unknown."""
        rows = self.measures[f"Patient/{who}", code]
        if code.startswith(MONEY):
            return None if rows[0]["unknown"] else {row["unit"]: row["value"] for row in rows if row["unit"] != "XXX"}
        (row,) = rows
        if row["numerator"] is not None and row["denominator"]:
            ratio = Fraction(row["numerator"], row["denominator"])
            return ratio if stands_for(row["value"], ratio) else row["value"]
        return row["date"] or row["value"]

    def mode(self, who, code):
        (row,) = self.measures[f"Patient/{who}", code]
        return row["mode"]

    def unknown(self, who, code):
        return self.measures[f"Patient/{who}", code][0]["unknown"]

    def profile(self, who):
        return self.profiles[f"Patient/{who}"]

    def level(self, who):
        return self.profile(who)["level"]

    def reasons(self, who):
        return {(reason["code"], reason["threshold"]) for reason in self.profile(who)["rationale"]}

    @property
    def set_aside(self):
        return {(each["where"], each["why"]) for each in self.flattened["set_aside"]}


def stands_for(value, ratio):
    """A ratio is stored rounded; of some measures the value is more than numerator / denominator."""
    return abs(Fraction(value) - ratio) <= Fraction(1, 2_000_000)


def profiled(folder, resources, *, zone="UTC", unknown=(), fhir_version="4.0.1", **more):
    """The whole way from raw lines to profiles. `unknown` types are such as the server does not expose."""
    lake = pulled(folder, resources, unknown=unknown, fhir_version=fhir_version)
    with Engine.open(lake.spill) as engine:
        flattened = flatten_in(lake, engine, zone=zone)
        return Derived(lake, flattened, derive_in(lake, engine, zone=zone, **more), *rows_in(lake, engine))


def flatten_in(lake, engine, *, zone="UTC", **more):
    """What facts.json says."""
    raw, facts = lake.raw(SOURCE, RUN), lake.facts(SOURCE, RUN)
    return flatten(raw, facts, engine=engine, source=SOURCE, zone=ZoneInfo(zone), **more)


def derive_in(lake, engine, *, as_of=AS_OF, zone="UTC", policy=None, run=RUN, count=1, **more):
    """What profiles.json says; with another `run` the same facts are derived beside what stands. `count`: of Patients
    pulled."""
    manifest = json.loads((lake.raw(SOURCE, RUN) / "manifest.json").read_text())
    manifest["types"]["Patient"]["count"] = count
    about = {"manifest": manifest, "as_of": as_of, "zone": ZoneInfo(zone), "policy": policy or Policy.load()}
    return derive(lake.facts(SOURCE, RUN), lake.profiles(SOURCE, run), engine=engine, **about, **more)


def rows_in(lake, engine):
    """Profiles by patient, measures by patient and code."""
    profiles, measures = lake.profiles(SOURCE, RUN), {}
    rows = {row["patient"]: row for row in engine.rows(engine.read_parquet(profiles / "profiles.parquet"))}
    for row in engine.rows(engine.read_parquet(profiles / "measures.parquet")):
        measures.setdefault((row["patient"], row["code"]), []).append(row)
    return rows, measures


def flattened(folder, resources, *, zone="UTC", fhir_version="4.0.1", **more):
    """The first half of the way: what facts.json says, and the fact tables as rows by id."""
    lake = pulled(folder, resources, fhir_version=fhir_version)
    facts = lake.facts(SOURCE, RUN)
    with Engine.open(lake.spill) as engine:
        report = flatten_in(lake, engine, zone=zone, **more)
        tables = {path.stem: list(engine.rows(engine.read_parquet(path))) for path in facts.glob("*.parquet")}
    return report, tables


def pulled(folder, resources, *, unknown=(), fhir_version="4.0.1"):
    """`resources`: FHIR JSON, or bytes for a line that must stand as it is (its type then comes first, in a pair)."""
    lake = Lake(folder).open()
    raw = lake.raw(SOURCE, RUN)
    raw.mkdir(parents=True)
    encode = msgspec.json.Encoder(decimal_format="number").encode
    offered = {*TYPES, *(kind for kind in map(_kind, resources) if kind in OFFERED_WITH_ANY)}
    for kind in offered - set(unknown):
        of_kind = [each for each in resources if _kind(each) == kind]
        lines = [each[1] if isinstance(each, tuple) else encode(each) for each in of_kind]
        (raw / f"{kind}.ndjson").write_bytes(b"".join(line + b"\n" for line in lines))
    exposed = {kind: {"count": 0, "unknown": "not in the capability statement"} for kind in unknown}
    types = {kind: {"count": 1} for kind in offered} | exposed
    manifest = {"source": SOURCE, "fhir_version": fhir_version, "types": types, "set_aside": []}
    (raw / "manifest.json").write_text(json.dumps(manifest))
    return lake


def _kind(resource):
    return resource[0] if isinstance(resource, tuple) else resource["resourceType"]


def planted():
    """The hand-written patients, as one list."""
    files = (DATA / "planted" / f"{kind}.ndjson" for kind in (*TYPES, "ExplanationOfBenefit"))
    return [json.loads(line, parse_float=Decimal) for file in files for line in file.read_text().splitlines()]
