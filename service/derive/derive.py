"""facts/<source>/<run>/ in; profiles/<source>/<run>/{profiles,measures}.parquet and profiles.json out."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from service.derive.catalogue import BY_CODE
from service.derive.events import Events, events
from service.derive.evidence import evidence
from service.derive.levels import levels
from service.derive.measure import REASONS
from service.derive.measures import measures
from service.derive.policy import Policy
from service.derive.windows import WORDS
from service.engine import Engine
from service.lake import committed, write_json

NEEDED = ("Encounter", "Claim")


def derive(
    facts: Path, out: Path, *, engine: Engine, manifest: dict[str, Any], as_of: datetime, zone: ZoneInfo, policy: Policy
) -> dict[str, Any]:
    """Writes one profile for each surviving patient and returns what profiles.json says.

    `manifest` is the pull's: of a type that it calls unknown nothing is known, not even that there is none.
    `as_of` is aware; windows end there and are counted on the calendar of `zone`.
    """
    not_exposed = _not_exposed(manifest)
    happened = events(facts, as_of, zone, engine)
    measured = measures(happened, not_exposed)
    profiles = engine.materialise(_profiles(happened, measured, policy, "Encounter" not in not_exposed))
    with committed(out) as part:
        engine.write_parquet(measured.order_by("patient", "code", "unit"), part / "measures.parquet")
        engine.write_parquet(profiles.order_by("patient"), part / "profiles.parquet")
        report = _report(happened, profiles, as_of, zone, policy, not_exposed)
        write_json(part / "profiles.json", report)
    return report


def _not_exposed(manifest: dict[str, Any]) -> set[str]:
    types = manifest.get("types", {})
    return {name for name in NEEDED if types.get(name) is None or types[name].get("unknown")}


def _profiles(happened: Events, measured: ir.Table, policy: Policy, visits_known: bool) -> ir.Table:
    people = levels(happened, measured, policy, visits_known)
    used = people.left_join(evidence(happened), "patient").drop("patient_right")
    counted = used.left_join(happened.visits.excluded, "patient").drop("patient_right")
    return counted.mutate(
        evidence=ibis.coalesce(counted.evidence, ibis.literal([], "array<string>")),
        sensitive_excluded=counted.n.fill_null(0),
    ).drop("n")


def _legend() -> dict[str, dict[str, str]]:
    """What readers of these files need to put a measure into words."""
    return {
        code: {"title": family.title, "dimension": family.dimension, "window": WORDS[family.codes[code]]}
        for code, family in BY_CODE.items()
    }


def _report(
    happened: Events, profiles: ir.Table, as_of: datetime, zone: ZoneInfo, policy: Policy, not_exposed: set[str]
) -> dict[str, Any]:
    given: Counter[str] = Counter()
    for row in happened.engine.rows(profiles.group_by("level", "level_absent").agg(n=profiles.count())):
        given[row["level"] or row["level_absent"]] += row["n"]
    return {
        "as_of": as_of.isoformat(),
        "time_zone": zone.key,
        "policy_version": policy.version,
        "policy_hash": policy.hash,
        "profiles": given.total(),
        "levels": dict(sorted(given.items())),
        "not_exposed": sorted(not_exposed),
        "measures": _legend(),
        "unknown": REASONS,
        "set_aside": happened.people.gone,
        "notes": {"cyclic-part-of": happened.visits.cyclic, "cyclic-prior": happened.claims.cyclic},
    }
