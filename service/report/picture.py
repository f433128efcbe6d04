"""Fragmentation beside outcomes in, one SVG picture out: small panels, this run in colour, earlier ones in grey.

Nothing is fetched: the renderer brings all it needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import altair as alt
import vl_convert

from service.report.fragmentation import (
    BANDS,
    CANCELLED,
    ED,
    HIGH,
    INDICES,
    LOW,
    MIDDLE,
    READMITTED,
    UNKNOWN,
    Band,
    Fragmentation,
    Snapshot,
)

SHARE = "share"
PANELS = {
    SHARE: ("Patients", ".0%"),
    ED: ("Emergency visits a patient", ".1f"),
    READMITTED: ("Stays followed by another in 30 days", ".0%"),
    CANCELLED: ("Visits cancelled", ".1%"),
}
ROWS = {"clinician": "by fragmentation among clinicians", "organization": "by fragmentation among organisations"}
LABELS = {LOW: "under 0.5", MIDDLE: "0.5 to 0.84", HIGH: "0.85 to 1", UNKNOWN: "not known"}
INK, QUIET, LINE = "#1b2733", "#5c6b7a", "#e3e8ed"
NOW, BEFORE, UNKNOWN_NOW = "#1f6f8b", "#cfd8de", "#7f9aa6"
WIDTH, HEIGHT, GAP = 232, 150, 56
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
TITLE: dict[str, Any] = {"font": FONT, "subtitleFont": FONT, "color": INK, "subtitleColor": QUIET, "anchor": "start"}

Point = dict[str, Any]


def svg(found: Fragmentation) -> str:
    drawn: str = vl_convert.vegalite_to_svg(_chart(found).to_json())
    return drawn


def _chart(found: Fragmentation) -> Any:
    rows = [_row(found, index) for index in found.now.indices] or [_nothing()]
    title = alt.TitleParams(
        "Fragmentation of care beside outcomes",
        subtitle=list(_subtitle(found)),
        offset=24,
        fontSize=21,
        subtitleFontSize=12.5,
        subtitleLineHeight=18,
        subtitlePadding=9,
        **TITLE,
    )
    chart = alt.vconcat(*rows, spacing=44).properties(title=title, padding=26, background="white")
    quiet: dict[str, Any] = {
        "labelColor": QUIET,
        "gridColor": LINE,
        "domainColor": LINE,
        "ticks": False,
        "labelPadding": 6,
    }
    return chart.configure(font=FONT).configure_view(stroke=None).configure_axis(**quiet)


def _subtitle(found: Fragmentation) -> Iterator[str]:
    now = found.now
    who = "Patients" if now.patients is None else f"{now.patients:,} patients"
    yield (
        f"{who}, the year before {now.as_of[:10]}. Fragmentation (FCI) is 0 where all visits are with one, "
        "and 1 where each is with another."
    )
    if found.earlier:
        dates = ", ".join(each.as_of[:10] for each in reversed(found.earlier))
        yield f"In colour this run, with 95 % intervals; in grey earlier runs, oldest first: the years before {dates}."
    else:
        yield "With 95 % intervals; there is no earlier run to compare with."
    restricted = " A restricted pull: not all patients of the source." if now.limited else ""
    yield f"Side by side, not cause and effect. Groups of fewer than 11 patients are not shown.{restricted}"


def _row(found: Fragmentation, index: str) -> Any:
    panels = (_panel(found, index, panel) for panel in PANELS)
    return alt.hconcat(*panels, spacing=GAP, bounds="flush")


def _panel(found: Fragmentation, index: str, panel: str) -> Any:
    """The scale of an outcome is the same in both rows, so that they can be compared."""
    name, layout = PANELS[panel]
    points = [*_points(found.now, index, panel, NOW), *_earlier(found, index, panel)]
    bands = [LABELS[band] for band in BANDS if any(each.name == band for each in found.now.indices[index])]
    x = alt.X("band:N", scale=alt.Scale(domain=bands, paddingInner=0.3, paddingOuter=0.15)).axis(
        title=None, labelAngle=0, labelFontSize=10.5
    )
    y = alt.Y("value:Q", scale=alt.Scale(domain=[0, _top(found, panel)], nice=False)).axis(
        title=None, format=layout.replace(".1%", ".0%"), tickCount=4, labelFontSize=10.5, labelBound=True
    )
    runs = alt.XOffset(
        "run:N", scale=alt.Scale(domain=[*(each.run for each in reversed(found.earlier)), found.now.run])
    )
    base = alt.Chart(alt.InlineData(values=points)).encode(x=x, xOffset=runs)
    mine = base.transform_filter(alt.datum.now)
    layers = [base.mark_bar().encode(y=y, color=alt.Color("fill:N", scale=None))]
    if panel != SHARE:
        layers.append(mine.mark_rule(color=INK, strokeWidth=1.1).encode(y=alt.Y("low:Q"), y2="high:Q"))
    label: dict[str, Any] = {"fontSize": 10, "color": INK, "dy": -7}
    layers.append(mine.mark_text(**label).encode(y=alt.Y("high:Q"), text=alt.Text("value:Q", format=layout)))
    gaps = alt.Chart(alt.InlineData(values=list(_gaps(found.now, index, panel)))).encode(x=x)
    layers.append(gaps.mark_text(fontSize=10, color=QUIET, dy=-8).encode(y=alt.Y("value:Q"), text="text:N"))
    heading = alt.TitleParams(
        name, subtitle=ROWS[index], fontSize=13, subtitleFontSize=11, offset=12, frame="group", **TITLE
    )
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT, title=heading)


def _points(snapshot: Snapshot, index: str, panel: str, fill: str) -> Iterator[Point]:
    now = fill == NOW
    for band in snapshot.indices.get(index, []):
        value, low, high = _value(band, panel)
        if value is not None:
            shade = UNKNOWN_NOW if now and band.name == UNKNOWN else fill
            place = {"band": LABELS[band.name], "run": snapshot.run, "now": now, "fill": shade}
            yield {**place, "value": value, "low": low, "high": high}


def _earlier(found: Fragmentation, index: str, panel: str) -> list[Point]:
    return [point for each in found.earlier for point in _points(each, index, panel, BEFORE)]


def _top(found: Fragmentation, panel: str) -> float:
    """Room for the highest interval of this run, the highest bar of all, and a label above it."""
    heights = [point["high"] for index in INDICES for point in _points(found.now, index, panel, NOW)]
    heights += [point["value"] for index in INDICES for point in _earlier(found, index, panel)]
    return float(max(heights, default=0.0) or 1.0) * 1.15


def _value(band: Band, panel: str) -> tuple[float | None, float | None, float | None]:
    if panel == SHARE:
        return band.share, band.share, band.share
    for outcome in band.outcomes:
        if outcome.measure == panel and outcome.value is not None and outcome.interval is not None:
            return outcome.value, outcome.interval.low, outcome.interval.high
    return None, None, None


def _gaps(now: Snapshot, index: str, panel: str) -> Iterator[Point]:
    words = "not derived" if panel in now.not_derived else "not shown"
    for band in now.indices[index]:
        if _value(band, panel)[0] is None:
            yield {"band": LABELS[band.name], "value": 0, "text": words}


def _nothing() -> Any:
    words = alt.InlineData(values=[{"text": "Fragmentation was not derived in this run."}])
    return alt.Chart(words, width=WIDTH * 4, height=HEIGHT).mark_text(fontSize=14, color=QUIET).encode(text="text:N")
