"""A few patients written by hand in, the files that `derive` would leave about them out."""

import datetime as dt
import json
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from service import lake

AS_OF = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
NUMBER = pa.decimal128(38, 6)
REASON = pa.struct(
    [
        ("code", pa.string()),
        ("measure", pa.string()),
        ("value", NUMBER),
        ("date", pa.date32()),
        ("unit", pa.string()),
        ("threshold", NUMBER),
        ("threshold_unit", pa.string()),
    ]
)
PROFILES = pa.schema(
    [
        ("patient", pa.string()),
        ("deceased", pa.bool_()),
        ("level", pa.string()),
        ("level_absent", pa.string()),
        ("pathways", pa.list_(pa.string())),
        ("rationale", pa.list_(REASON)),
        ("evidence", pa.list_(pa.string())),
        ("sensitive_excluded", pa.int64()),
    ]
)
MEASURES = pa.schema(
    [
        ("patient", pa.string()),
        ("code", pa.string()),
        ("unit", pa.string()),
        ("value", NUMBER),
        ("date", pa.date32()),
        ("mode", pa.string()),
        ("numerator", pa.int64()),
        ("denominator", pa.int64()),
        ("coverage_numerator", pa.int64()),
        ("coverage_denominator", pa.int64()),
        ("unknown", pa.string()),
    ]
)


def count(code, value, unit="1"):
    return {"code": code, "unit": unit, "value": Decimal(value)}


def unknown(code, reason):
    return {"code": code, "unit": "1", "unknown": reason}


MEASURED = (count("ed-visits-p1y", 1), count("billed-charges-p1y", "120.50", "USD"))
UNKNOWN = {"not-exposed": "the server does not expose what this is computed from", "too-few": "too few visits"}


@dataclass
class Derived:
    """One patient's profile: level, pathways and the count of emergency visits are what tests vary."""

    id: str
    level: str | None = "standard"
    level_absent: str | None = None
    pathways: list = field(default_factory=list)
    rationale: list = field(default_factory=list)
    evidence: list = field(default_factory=lambda: ["Claim/c1", "Encounter/e1"])
    measures: list = field(
        default_factory=lambda: [count("ed-visits-p1y", 1), count("billed-charges-p1y", "120.50", "USD")]
    )

    @property
    def patient(self):
        return f"Patient/{self.id}"


def write(
    folder: Path, *derived: Derived, as_of=AS_OF, time_zone="UTC", policy="1", opted_out=(), merged=None, carried=None
):
    """`carried`: (the folder that all were carried over from but some, the ids of these)."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "patient": each.patient,
            "deceased": each.level_absent == "deceased",
            "level": each.level,
            "level_absent": each.level_absent,
            "pathways": each.pathways,
            "rationale": each.rationale,
            "evidence": each.evidence,
            "sensitive_excluded": 0,
        }
        for each in derived
    ]
    measures = [{"patient": each.patient, **measure} for each in derived for measure in each.measures]
    pq.write_table(pa.Table.from_pylist(rows, PROFILES), folder / "profiles.parquet")
    pq.write_table(pa.Table.from_pylist(measures, MEASURES), folder / "measures.parquet")
    told = {
        "as_of": as_of.isoformat(),
        "time_zone": time_zone,
        "policy_version": policy,
        "policy_hash": "sha256:" + "0123456789abcdef" * 4,
        "unknown": {
            "not-exposed": "the server does not expose what this is computed from",
            "too-few": "too few visits",
        },
        "opted_out": list(opted_out),
        "merged": merged or {},
    }
    (folder / "profiles.json").write_text(json.dumps(told))
    if carried:
        before, anew = carried
        lines = [{"from": lake.stamp(before, lake.PROFILES)}, *({"patient": f"Patient/{each}"} for each in anew)]
        (folder / lake.ANEW).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return folder
