"""What stands and what would be written in, the differences in words for a person out: `ed-visits-p1y 1 -> 2`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from service.compose.canonical import LEVEL
from service.compose.content import Json, personalization, value_of
from service.write_back.measured import code_of, pairs

RENEW_BEFORE = dt.timedelta(days=30)
NONE = "none"


def newly(panel: Json) -> str:
    """A panel that does not stand there yet."""
    pathways = ", ".join(_pathways(personalization(panel)))
    status = "" if panel.get("status") == "final" else f", {panel.get('status')}"
    return f"new{status}, {level_of(panel) or 'no level'}{f': {pathways}' if pathways else ''}"


def between(before: Json, after: Json) -> list[str]:
    """Two panels with different content; an edit by hand of what no rule names is told as such."""
    told = [*_changed("level", level_of(before), level_of(after)), *_extension_parts(before, after)]
    told += [*_status(before, after), *_measures(before, after)]
    return told or ["what stands there differs from what was derived"]


def between_extensions(before: Json | None, after: Json | None) -> list[str]:
    """What a Patient bears and would bear."""
    if after is None:
        return ["Patient: taken off, for no level counts any more"]
    if before is None:
        return ["Patient: new"]
    told = [*_changed("level", value_of(before, "level"), value_of(after, "level")), *_parts(before, after)]
    return [f"Patient: {reason}" for reason in told or ["what it bears differs from what was derived"]]


def lapses(extension: Json | None, as_of: dt.datetime) -> str | None:
    """The reason to write unchanged content again: a reader would soon treat it as absent."""
    return lapsed(value_of(extension, "validUntil"), as_of)


def lapsed(until: str | None, as_of: dt.datetime) -> str | None:
    """The same of the moment alone."""
    try:
        moment = dt.datetime.fromisoformat(str(until))
    except ValueError:
        return "it names no moment until which it is valid"
    if moment.tzinfo is not None and moment - RENEW_BEFORE > as_of:
        return None
    return f"validity lapses on {moment.date()}"


def _status(before: Json, after: Json) -> Iterator[str]:
    """That a change amends what was final goes without saying."""
    if not {before.get("status"), after.get("status")} <= {"final", "amended"}:
        yield from _changed("status", before.get("status"), after.get("status"))


def _extension_parts(before: Json, after: Json) -> Iterator[str]:
    yield from _parts(personalization(before), personalization(after))


def _parts(before: Json | None, after: Json | None) -> Iterator[str]:
    yield from _changed("framework", value_of(before, "frameworkVersion"), value_of(after, "frameworkVersion"))
    old, new = set(_pathways(before)), set(_pathways(after))
    yield from (f"pathway {code} added" for code in sorted(new - old))
    yield from (f"pathway {code} ended" for code in sorted(old - new))


def _measures(before: Json, after: Json) -> Iterator[str]:
    """Values by measure, sorted; an amount is told by its currency."""
    for pair in sorted(pairs(before, after), key=lambda pair: (pair.code, pair.currency)):
        yield from _changed(f"{pair.code} {pair.currency}".rstrip(), _value(pair.before), _value(pair.after))


def _changed(what: str, before: str | None, after: str | None) -> Iterator[str]:
    if before != after:
        yield f"{what} {before or NONE} -> {after or NONE}"


def _value(component: Json | None) -> str:
    if component is None:
        return NONE
    if "valueQuantity" in component:
        return str(component["valueQuantity"].get("value"))
    return str(component.get("valueDateTime", "unknown"))


def level_of(panel: Json) -> str | None:
    return code_of(panel.get("valueCodeableConcept"), LEVEL)


def _pathways(extension: Json | None) -> Iterator[str]:
    for part in (extension or {}).get("extension", []):
        if part.get("url") == "pathway":
            yield code_of(part.get("valueCodeableConcept")) or "without a code"
