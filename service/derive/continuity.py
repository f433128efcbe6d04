"""Outpatient visits in, indices of continuity with a clinician out.

Visits with a known clinician only, one for each clinician and day; a visit without one is counted as not attributed,
never given to an invented clinician. With fewer than 80 % attributed the index is unknown.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.measure import LOW_ATTRIBUTION, TOO_FEW, measure
from service.derive.windows import YEAR, Window


@measure(
    "upc", title="Usual provider of care", dimension="relationship", windows=(YEAR,), absent=TOO_FEW,
    source="Breslau and Reeb 1975",
)  # fmt: skip
def usual_provider(events: Events, window: Window) -> ir.Table:
    """max n_i / N: the share of outpatient visits that are with the clinician seen most; N >= 2."""
    seen = _seen(events, window)
    return _index(seen, numerator=seen.most, denominator=seen.n)


@measure(
    "coc", title="Continuity of care", dimension="relationship", windows=(YEAR,), absent=TOO_FEW,
    source="Bice and Boxerman 1977",
)  # fmt: skip
def continuity_of_care(events: Events, window: Window) -> ir.Table:
    """(sum n_i^2 - N) / (N (N - 1)): how concentrated outpatient visits are on few clinicians; N >= 2."""
    seen = _seen(events, window)
    return _index(seen, numerator=seen.squares - seen.n, denominator=seen.n * (seen.n - 1))


def _seen(events: Events, window: Window) -> ir.Table:
    """(patient, visits, attributed, n, most, squares)"""
    visits = events.outpatient.filter(window.holds(events.outpatient.start, events.engine))
    attribution = visits.group_by("patient").agg(visits=visits.count(), attributed=visits.clinician.count())
    days = visits.filter(visits.clinician.notnull()).select("patient", "clinician", "day").distinct()
    each = days.group_by("patient", "clinician").agg(n=days.count())
    index = each.group_by("patient").agg(n=each.n.sum(), most=each.n.max(), squares=(each.n * each.n).sum())
    joined = attribution.left_join(index, "patient").drop("patient_right")
    return joined.mutate({name: joined[name].fill_null(0) for name in ("n", "most", "squares")})


def _index(seen: ir.Table, *, numerator: ir.IntegerColumn, denominator: ir.IntegerColumn) -> ir.Table:
    unknown = ibis.cases((seen.attributed * 5 < seen.visits * 4, LOW_ATTRIBUTION), (seen.n < 2, TOO_FEW))
    return seen.select(
        "patient",
        numerator=ibis.cases((unknown.isnull(), numerator)),
        denominator=ibis.cases((unknown.isnull(), denominator)),
        coverage_numerator="attributed",
        coverage_denominator="visits",
        unknown=unknown,
    )
