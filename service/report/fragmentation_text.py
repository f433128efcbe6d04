"""Fragmentation of this run and of earlier ones in, tables for a terminal or a FHIR MeasureReport out."""

from __future__ import annotations

from collections.abc import Iterator

from service.compose.content import Json
from service.report.basis import Basis
from service.report.fragmentation import (
    ED,
    INDICES,
    OUTCOMES,
    SPREADS,
    Band,
    Fragmentation,
    Outcome,
    Snapshot,
)
from service.report.measure_report import Counted, Part, measure_report
from service.report.words import count, percent, table

TITLES = {"clinician": "among clinicians", "organization": "among organisations"}


def lines(found: Fragmentation) -> Iterator[str]:
    now = found.now
    yield f"Fragmentation of care beside outcomes, the year before {now.as_of[:10]}: {count(now.patients)} patients"
    for index in now.indices:
        yield ""
        yield f"patients by fragmentation {TITLES[index]} [{INDICES[index]}]"
        yield from (f"  {line}" for line in _by_band(index, found))
    yield ""
    yield "how it is spread"
    yield from (f"  {line}" for line in _spread(now))
    if now.not_derived:
        yield f"note: not derived in this run: {', '.join(now.not_derived)}"
    if not found.earlier:
        yield "note: there is no earlier run to compare with"
    yield from (f"note: {note}" for note in found.notes)


def _by_band(index: str, found: Fragmentation) -> Iterator[str]:
    head = ("fragmentation", "as of", "patients", "share", *OUTCOMES.values())
    rows = [
        (band.name, snapshot.as_of[:10], count(band.n), percent(band.share), *(_cell(band, code) for code in OUTCOMES))
        for place, _ in enumerate(found.now.indices[index])
        for snapshot in (found.now, *found.earlier)
        for band in snapshot.indices.get(index, [])
        if band.name == found.now.indices[index][place].name
    ]
    yield from table(head, rows)


def _cell(band: Band, code: str) -> str:
    outcome = next((each for each in band.outcomes if each.measure == code), None)
    if band.n is None:
        return "suppressed"
    if outcome is None:
        return "not derived"
    return _value(outcome)


def _value(outcome: Outcome) -> str:
    if outcome.value is None or outcome.interval is None:
        return "suppressed" if outcome.of is None else "-"
    low, high = outcome.interval.low, outcome.interval.high
    if outcome.measure == ED:
        return f"{outcome.value:.2f} ({low:.2f} to {high:.2f})"
    return f"{outcome.value * 100:.1f} % ({low * 100:.1f} to {high * 100:.1f} %) of {outcome.of:,}"


def _spread(now: Snapshot) -> Iterator[str]:
    names = ("p25", "p50", "p75", "p90")
    rows = [
        (
            SPREADS[each.measure],
            count(each.n),
            *(f"{each.quantiles[q]:g}" if q in each.quantiles else "-" for q in names),
        )
        for each in now.spreads
    ]
    yield from table(("", "patients", "a quarter up to", "half up to", "three quarters", "nine tenths"), rows)


def summary(found: Fragmentation, basis: Basis) -> Json:
    """A group each outcome, of this run, stratified by the band of either index."""
    parts = [_part(found.now, code) for code in OUTCOMES if code not in found.now.not_derived]
    return measure_report("fragmentation", basis, basis.opens["p1y"], parts)


def _part(now: Snapshot, code: str) -> Part:
    strata = {
        INDICES[index]: {band.name: _counted(band, code) for band in bands} for index, bands in now.indices.items()
    }
    return Part(code, OUTCOMES[code], Counted({"initial-population": now.patients}), strata)


def _counted(band: Band, code: str) -> Counted:
    outcome = next((each for each in band.outcomes if each.measure == code), None)
    score = None if outcome is None or outcome.value is None else round(outcome.value, 4)
    return Counted({"initial-population": band.n}, score)
