"""What stands and what would be written in, the differences in words for a person out: `ed-visits-p1y 1 -> 2`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from service.compose.canonical import CURRENCY, LEVEL
from service.compose.content import Json, personalization, value_of

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
    """Values by measure; an amount that appears or vanishes in one currency is told by that currency."""
    old, new = _values(before), _values(after)
    for measure in sorted(old.keys() | new.keys()):
        yield from _changed(measure, old.get(measure, NONE), new.get(measure, NONE))


def _changed(what: str, before: str | None, after: str | None) -> Iterator[str]:
    if before != after:
        yield f"{what} {before or NONE} -> {after or NONE}"


def _values(panel: Json) -> dict[str, str]:
    values = {}
    for component in panel.get("component", []):
        code, quantity = _code(component.get("code")), component.get("valueQuantity", {})
        money = f" {quantity.get('code')}" if quantity.get("system") == CURRENCY else ""
        values[f"{code}{money}"] = _value(component)
    return values


def _value(component: Json) -> str:
    if "valueQuantity" in component:
        return str(component["valueQuantity"].get("value"))
    return str(component.get("valueDateTime", "unknown"))


def level_of(panel: Json) -> str | None:
    return _code(panel.get("valueCodeableConcept"), LEVEL)


def _pathways(extension: Json | None) -> Iterator[str]:
    for part in (extension or {}).get("extension", []):
        if part.get("url") == "pathway":
            yield _code(part.get("valueCodeableConcept")) or "without a code"


def _code(concept: Any, system: str | None = None) -> str | None:
    codings = (concept or {}).get("coding", [])
    return next((coding.get("code") for coding in codings if system in (None, coding.get("system"))), None)
