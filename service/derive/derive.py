"""facts/<source>/<run>/ in; profiles/<source>/<run>/{profiles,measures}.parquet and profiles.json out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ibis.expr.types as ir
import msgspec

from service.derive import carry, spans
from service.derive.carry import Carried, Earlier, carried_over, stamps, standing
from service.derive.catalogue import BY_CODE
from service.derive.categories import Categories
from service.derive.derivation import ORDER, Asked, Derived
from service.derive.measure import DIMENSIONS, REASONS, Family
from service.derive.own import NO_OTHERS, OwnMeasures
from service.derive.policy import Policy
from service.derive.recorded import NOTHING, Known
from service.derive.spans import derived_in_spans
from service.derive.windows import WORDS
from service.derive.wording import display
from service.engine import Engine
from service.lake import ANEW, PROFILES, committed, linked, stamp, write_json

NEEDED = ("Encounter", "Claim", "ExplanationOfBenefit", "ClaimResponse")


def derive(
    facts: Path,
    out: Path,
    *,
    engine: Engine,
    manifest: dict[str, Any],
    as_of: datetime,
    zone: ZoneInfo,
    policy: Policy,
    categories: Categories | None = None,
    own: OwnMeasures = NO_OTHERS,
    known: Known = NOTHING,
    earlier: Iterable[Earlier] = (),
) -> dict[str, Any]:
    """Writes one profile for each surviving patient and returns what profiles.json says.

    `manifest` is the pull's: of a type that it calls unknown nothing is known, not even that there is none.
    `as_of` is aware; windows end there and are counted on the calendar of `zone`. `categories` of adjudications are the
    shipped ones unless a hospital adds its own; so with measures, of which `own` are the hospital's. From the first of
    `earlier` runs of the same source that may be followed profiles are carried over where nothing changed and no
    window's edge moved over anything: the answer is that of a full derivation. Each of those runs, and this one, must
    have had all patients of the source. `known` is what the source records of others, where this run is of some alone.
    """
    hidden = frozenset(unexposed(manifest, own.needs))
    asked = Asked(facts, engine, as_of, zone, policy, categories or Categories.load(), hidden, own, known)
    runs = list(earlier)
    if still := standing(asked, runs):
        return _standing(out, *still)
    # Nobody knows over what the edges of own measures move.
    few = _pulled(manifest) < carry.WORTH_FOLLOWING
    carried = None if own.families or few else carried_over(asked, runs)
    # What own measures ask of everybody is not known either; and what Spark holds is spread over its machines.
    many = _pulled(manifest) > spans.SPAN and not (own.families or engine.executors)
    result = carried.whole if carried else derived_in_spans(asked) if many else asked.derived()
    with committed(out) as part:
        # What is carried over was sorted once, and to sort it again for a few takes longer than to derive those.
        measured = result.measured if carried or many else result.measured.order_by(*ORDER)
        engine.write_parquet(measured, part / "measures.parquet")
        engine.write_parquet(result.profiles.order_by("patient"), part / "profiles.parquet")
        report = _report(asked, result) | _following(carried) | {"facts": stamps(facts)}
        write_json(part / "profiles.json", report)
        if carried:
            _tell_apart(carried, part, engine)
    return report


def _tell_apart(carried: Carried, part: Path, engine: Engine) -> None:
    """Who rests on what was composed of the earlier profiles need not look at those that were carried over."""
    with (part / ANEW).open("wb") as out:
        out.write(msgspec.json.encode({"from": stamp(carried.profiles, PROFILES)}) + b"\n")
        out.writelines(msgspec.json.encode(row) + b"\n" for row in engine.rows(carried.patients))


def _standing(out: Path, profiles: Path, report: dict[str, Any]) -> dict[str, Any]:
    with committed(out) as part:
        for file in profiles.glob(PROFILES):
            linked(file, part / file.name)
        write_json(part / "profiles.json", report)
    return report


def _pulled(manifest: dict[str, Any]) -> int:
    return int(manifest.get("types", {}).get("Patient", {}).get("count", 0))


def unexposed(manifest: dict[str, Any], also: Iterable[str] = ()) -> set[str]:
    """The types of which nothing is known."""
    types = manifest.get("types", {})
    return {name for name in (*NEEDED, *also) if types.get(name) is None or types[name].get("unknown")}


def _following(carried: Carried | None) -> dict[str, Any]:
    """The run whose profiles were carried over, and how many were not."""
    return {"follows": carried and carried.run, "derived_anew": carried.anew if carried else None}


def _legend(own: OwnMeasures) -> dict[str, dict[str, str]]:
    """What readers of these files need to put a measure into words; a hospital's own names its code system."""
    ours = {code: _words(family, code) for code, family in BY_CODE.items()}
    for family in own.families:
        for code, span in family.codes.items():
            ours[code] = _words(family, code) | {"system": own.system, "display": display(family, span)}
    return ours


def _words(family: Family, code: str) -> dict[str, str]:
    return {
        "family": family.code,
        "title": family.title,
        "dimension": family.dimension,
        "span": family.codes[code],
        "window": WORDS[family.codes[code]],
    }


def _replaced(merged: ir.Table, engine: Engine) -> Iterator[dict[str, Any]]:
    """Records that another one stands for now; their own profiles have no ground any more."""
    return engine.rows(merged.filter(merged.merged != merged.survivor).order_by("merged"))


def _report(asked: Asked, result: Derived) -> dict[str, Any]:
    """`notes` are about the patients derived anew."""
    engine, people, profiles, policy = asked.engine, result.people, result.profiles, asked.policy
    given: Counter[str] = Counter()
    for row in engine.rows(profiles.group_by("level", "level_absent").agg(n=profiles.count())):
        given[row["level"] or row["level_absent"]] += row["n"]
    return {
        "as_of": asked.as_of.isoformat(),
        "time_zone": asked.zone.key,
        "policy_version": policy.version,
        "policy_hash": policy.hash,
        "policy": policy.document(),
        "profiles": given.total(),
        "levels": dict(sorted(given.items())),
        "basis": asked.basis(result),
        "not_exposed": sorted(asked.not_exposed),
        "dimensions": DIMENSIONS,
        "measures": _legend(asked.own),
        "unknown": REASONS,
        "set_aside": people.gone,
        "opted_out": people.opted_out,
        "merged": {row["merged"]: row["survivor"] for row in _replaced(people.merged, engine)},
        "notes": {
            "cyclic-part-of": result.cyclic_visits,
            "cyclic-prior": result.cyclic_claims,
            "same-instant": engine.row(result.ties)["n"],
        },
    }
