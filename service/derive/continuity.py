"""Outpatient visits in, indices of how concentrated they are on few clinicians, sites and organisations out."""

from __future__ import annotations

import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.habits import CLINICIAN, ORGANIZATION, SITE, index, of
from service.derive.measure import TOO_FEW, measure
from service.derive.windows import YEAR, Window

KERN = "Bice and Boxerman 1977; Liu 2010: +0.1 goes with 15 % more emergency visits; Kern: N >= 4, high from 0.85"


@measure(
    "upc", title="Usual provider of care", dimension="relationship", windows=(YEAR,), absent=TOO_FEW,
    source="Breslau and Reeb 1975",
)  # fmt: skip
def usual_provider(events: Events, window: Window) -> ir.Table:
    """max n_i / N: the share of outpatient visits that are with the clinician seen most; N >= 2."""
    seen = of(events, window, CLINICIAN)
    return index(seen, numerator=seen.most, denominator=seen.n)


@measure(
    "coc", title="Continuity of care", dimension="relationship", windows=(YEAR,), absent=TOO_FEW,
    source="Bice and Boxerman 1977",
)  # fmt: skip
def continuity_of_care(events: Events, window: Window) -> ir.Table:
    """(sum n_i^2 - N) / (N (N - 1)): how concentrated outpatient visits are on few clinicians; N >= 2."""
    seen = of(events, window, CLINICIAN)
    return index(seen, numerator=seen.squares - seen.n, denominator=seen.n * (seen.n - 1))


@measure(
    "hhi", title="Concentration on clinicians", dimension="relationship", windows=(YEAR,), absent=TOO_FEW,
    source="Herfindahl",
)  # fmt: skip
def concentration(events: Events, window: Window) -> ir.Table:
    """sum (n_i / N)^2 over the clinicians of outpatient visits; N >= 2."""
    seen = of(events, window, CLINICIAN)
    return index(seen, numerator=seen.squares, denominator=seen.n * seen.n)


@measure(
    "mmci", title="Modified, modified continuity index", dimension="relationship", windows=(YEAR,), absent=TOO_FEW,
    source="Magill and Senf 1987",
)  # fmt: skip
def modified_continuity(events: Events, window: Window) -> ir.Table:
    """(1 - M / (N + 0.1)) / (1 - 1 / (N + 0.1)) for M clinicians in N outpatient visits, both multiplied by
    10 (N + 0.1); N >= 2."""
    seen = of(events, window, CLINICIAN)
    return index(seen, numerator=(seen.n - seen.different) * 10 + 1, denominator=seen.n * 10 - 9)


@measure(
    "fci-clinician", title="Fragmentation over clinicians", dimension="relationship", windows=(YEAR,), absent=TOO_FEW,
    source=KERN,
)  # fmt: skip
def fragmentation_over_clinicians(events: Events, window: Window) -> ir.Table:
    """1 - (sum n_i^2 - N) / (N (N - 1)) over the clinicians of outpatient visits; N >= 2."""
    return _fragmentation(of(events, window, CLINICIAN))


@measure(
    "fci-site", title="Fragmentation over sites", dimension="relationship", windows=(YEAR,), absent=TOO_FEW,
    source=KERN,
)  # fmt: skip
def fragmentation_over_sites(events: Events, window: Window) -> ir.Table:
    """1 - (sum n_i^2 - N) / (N (N - 1)) over the places (Encounter.location) of outpatient visits; N >= 2."""
    return _fragmentation(of(events, window, SITE))


@measure(
    "fci-organization", title="Fragmentation over organisations", dimension="relationship", windows=(YEAR,),
    absent=TOO_FEW, source=KERN,
)  # fmt: skip
def fragmentation_over_organizations(events: Events, window: Window) -> ir.Table:
    """1 - (sum n_i^2 - N) / (N (N - 1)) over the organisations of outpatient visits; N >= 2."""
    return _fragmentation(of(events, window, ORGANIZATION))


def _fragmentation(seen: ir.Table) -> ir.Table:
    pairs = seen.n * (seen.n - 1)
    return index(seen, numerator=pairs - (seen.squares - seen.n), denominator=pairs)
