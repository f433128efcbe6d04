"""A plan file in, before and after of each patient out: level, pathways, measures by title, what the Patient bears."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from service.catalog import Catalog, Run
from service.compose.canonical import LEVEL, NO_CURRENCY
from service.compose.content import Json, parse, personalization, value_of
from service.compose.shapes import as_panel
from service.lake import Lake
from service.write_back import diff_text
from service.write_back.measured import code_of, pairs
from service.write_back.plan_file import Line, Request, reading


@dataclass(frozen=True)
class Change:
    """One thing that would be another one afterwards; None where there is nothing."""

    what: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Measured(Change):
    """A measure by its title, which says the window in words; `code` is its name in the standard."""

    code: str


@dataclass(frozen=True)
class Bears:
    """Level and pathways, of a panel or as the Patient bears them."""

    level: str | None = None
    pathways: tuple[str, ...] = ()
    valid_until: str | None = None


@dataclass(frozen=True)
class PatientDiff:
    """One patient's line of the plan. `panel` and `on_patient` are (before, after), None where nothing stands or
    shall stand; `on_patient` is None where the Patient is not touched."""

    patient: str
    action: str
    reasons: list[str]
    held: list[str]
    panel: tuple[Bears | None, Bears | None]
    on_patient: tuple[Bears | None, Bears | None] | None
    others: list[Change] = field(default_factory=list)
    measures: list[Measured] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)


@dataclass(frozen=True)
class Diff:
    """The plan of one run, read anew each time it is looked at: memory holds one patient."""

    lake: Lake
    run: Run
    catalog: Catalog

    def patients(self) -> Iterator[PatientDiff]:
        """Whoever something would change for, or who is held."""
        with self._lines() as lines:
            yield from (_of(line) for line in lines if not line.quiet)

    def document(self) -> list[dict[str, Any]]:
        return [_document(each) for each in self.patients()]

    def lines(self) -> Iterator[str]:
        for each in self.patients():
            yield ""
            yield from diff_text.lines(each)

    @contextmanager
    def _lines(self) -> Iterator[Iterator[Line]]:
        path = self.lake.plan(self.run.source, self.run.run)
        with reading(path, self.catalog.plan_digest(self.run.run)) as (_, lines):
            yield lines


def _document(one: PatientDiff) -> dict[str, Any]:
    """For `--json`: before and after side by side, under names."""
    told = asdict(one) | {"requests": one.requests, "panel": _sides(one.panel)}
    return told | {"on_patient": _sides(one.on_patient) if one.on_patient else None}


def _sides(pair: tuple[Bears | None, Bears | None]) -> dict[str, Bears | None]:
    return {"before": pair[0], "after": pair[1]}


def _of(line: Line) -> PatientDiff:
    before = as_panel(parse(bytes(line.before.resource))) if line.before else None
    after = as_panel(parse(bytes(line.observation))) if line.observation else None
    if line.action == "unchanged":
        before = after = None
    return PatientDiff(
        patient=line.patient,
        action=line.action,
        reasons=line.reasons,
        held=line.held,
        panel=(_panel_bears(before), _panel_bears(after)),
        on_patient=_on_patient(line),
        others=list(_others(before, after)),
        measures=list(_measures(before or {}, after or {})) if after else [],
        requests=line.requests,
    )


def _panel_bears(panel: Json | None) -> Bears | None:
    if panel is None:
        return None
    borne = _bears(personalization(panel) or {})
    level = code_of(panel.get("valueCodeableConcept"), LEVEL) or (_absent(panel) or "").replace(
        "unknown", "no level", 1
    )
    return Bears(level or None, borne.pathways, borne.valid_until)


def _bears(extension: Json) -> Bears:
    parts = [part for part in extension.get("extension", []) if part.get("url") == "pathway"]
    pathways = sorted(code_of(part.get("valueCodeableConcept")) or "without a code" for part in parts)
    until = value_of(extension, "validUntil")
    return Bears(value_of(extension, "level"), tuple(pathways), str(until)[:10] if until else None)


def _on_patient(line: Line) -> tuple[Bears | None, Bears | None] | None:
    change = line.extension
    if change is None:
        return None
    before, after = (_bears(each.content) if each else None for each in (change.before, change.after))
    return before, after


def _others(before: Json | None, after: Json | None) -> Iterator[Change]:
    """What stands beside the numbers: status, and the framework that they were derived by."""
    if before is None or after is None:
        return
    for what, told in (("status", _status), ("framework", _framework)):
        if told(before) != told(after):
            yield Change(what, told(before), told(after))


def _status(panel: Json) -> str | None:
    return panel.get("status")


def _framework(panel: Json) -> str | None:
    value = value_of(personalization(panel), "frameworkVersion")
    return None if value is None else str(value)


def _measures(before: Json, after: Json) -> Iterator[Measured]:
    """Those that differ."""
    for pair in pairs(before, after):
        was, shall = _said(pair.before), _said(pair.after)
        if was != shall:
            yield Measured(_title(pair.after or pair.before or {}), was, shall, pair.code)


def _title(component: Json) -> str:
    codings = component.get("code", {}).get("coding", [{}])
    return str(codings[0].get("display") or codings[0].get("code") or "without a name")


def _said(component: Json | None) -> str | None:
    """`2`, `120.5 USD`, `12 days`, `2026-03-01`, `unknown (too few visits)`."""
    if component is None:
        return None
    if "valueQuantity" in component:
        quantity = component["valueQuantity"]
        unit = "day" if quantity.get("value") == 1 and quantity.get("code") == "d" else quantity.get("unit", "")
        return f"{quantity.get('value')}{'' if unit in ('1', NO_CURRENCY) else f' {unit}'}"
    return str(component["valueDateTime"]) if "valueDateTime" in component else _absent(component)


def _absent(element: Json) -> str | None:
    if "dataAbsentReason" not in element:
        return None
    text = str(element["dataAbsentReason"].get("text", "")).rstrip(".")
    return f"unknown ({text[:1].lower()}{text[1:]})" if text else "unknown"
