"""raw/<source>/<run>/<Type>.ndjson in; facts/<source>/<run>/<table>.parquet and facts.json out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from service.engine import Engine
from service.errors import WrongUsage
from service.flatten import opt_outs
from service.flatten.carry import Earlier, Followed, basis, carried, followed
from service.flatten.changed import changed
from service.flatten.making import FACTS, OWNERS, Making
from service.flatten.origin import Origin
from service.flatten.own import OwnViews
from service.flatten.partly import Partly
from service.flatten.times import Calendar
from service.flatten.versions import KNOWN
from service.lake import committed, private_directory, read_json, write_json


def flatten(
    raw: Path,
    facts: Path,
    *,
    engine: Engine,
    source: str,
    zone: ZoneInfo,
    aliases: Collection[str] = (),
    sensitive_labels: Collection[str] = (),
    opt_out_tag: str = "",
    own: OwnViews | None = None,
    earlier: Iterable[Earlier] = (),
) -> dict[str, Any]:
    """Writes the fact tables and returns what facts.json says: rows by table, what was set aside and why, notes.

    Rows that are set aside stand in no table; `unusable` says of which patients there are some. Absolute references
    count under the source's base and its `aliases`. Partial dates are periods on the calendar of `zone`. A resource is
    sensitive that is labelled restricted, very restricted, or with one of `sensitive_labels`, texts `system|code`.
    Who bears `opt_out_tag` or is in the opt-out Group that was pulled is marked `opted_out`. `own` views of a hospital
    give tables `own-<name>`. Where one of `earlier` runs of the source had the very same files, its tables stand here
    too; of the one that the pull followed those rows do of which no line changed.
    """
    own = own or OwnViews()
    manifest = read_json(raw / "manifest.json", "pull")
    version = _version(manifest, raw)
    rests_on = basis(
        manifest,
        source=source,
        zone=zone.key,
        aliases=sorted(aliases),
        labels=sorted(sensitive_labels),
        opt_out=opt_out_tag,
        own=own.digest,
    )
    runs = list(earlier)
    if report := carried(raw, facts, rests_on, runs):
        return report
    with committed(facts) as part:
        origin = Origin(Calendar(engine, zone), _bases(manifest, aliases))
        whole = Making(raw, part, engine, source, origin, sensitive_labels, opt_out_tag, version, own)
        report = _partly(whole, manifest, followed(manifest, rests_on, runs)) or whole.run()
        report |= {"source": source, "time_zone": zone.key, "unknown": unknown_types(manifest, own.types)}
        report["basis"] = rests_on
        write_json(part / "facts.json", report)
    return report


def _partly(whole: Making, manifest: dict[str, Any], earlier: Followed | None) -> dict[str, Any] | None:
    """What changed alone; None where that cannot be told, or may say something of the rest."""
    if earlier is None or whole.own.definitions or whole.engine.executors:
        return None
    types = tuple(dict.fromkeys(fact.resource for fact in FACTS))
    lines = changed(whole.raw, earlier.raw, manifest, types, whole.engine.folder())
    if lines is None:
        return None

    def some(raw: Path, facts: Path) -> dict[str, Any]:
        private_directory(facts)
        return whole.of(raw, facts, earlier.facts).run(lines.types)

    return Partly(earlier.facts, earlier.report, lines, OWNERS, whole.engine, some).into(whole.facts)


def unknown_types(manifest: dict[str, Any], also: Collection[str] = ()) -> dict[str, str]:
    """The types that the server does not expose, and why: of these nothing is known, not even that there is none."""
    types = manifest.get("types", {})
    needed = sorted({fact.resource for fact in FACTS if fact is not opt_outs.FACT}.union(also))
    return {name: why for name in needed if (why := _why_unknown(types.get(name)))}


def _bases(manifest: dict[str, Any], aliases: Collection[str]) -> tuple[str, ...]:
    """Where the server was asked, where it says that it is, and where else its owner says so."""
    return tuple(base for base in (manifest.get("base"), manifest.get("stated_base"), *aliases) if base)


def _why_unknown(pulled: dict[str, Any] | None) -> str:
    return "not pulled" if pulled is None else str(pulled.get("unknown") or "")


def _version(manifest: dict[str, Any], raw: Path) -> str:
    version = str(manifest.get("fhir_version") or "R4")
    if not version.startswith(tuple(KNOWN)):
        raise WrongUsage(
            f"FHIR {version} cannot be read", where=str(raw), do="name a server that speaks FHIR STU3, R4, R4B or R5"
        )
    return version
