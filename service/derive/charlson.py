"""Diagnoses of a year in, the Charlson index out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.burden import YEAR as YEAR_SPAN
from service.derive.burden import burden
from service.derive.events import Events
from service.derive.measure import DIAGNOSES_NOT_RECORDED, measure
from service.derive.windows import YEAR, Window


@measure(
    "charlson", title="Charlson comorbidity index", dimension="outcomes", windows=(YEAR,),
    absent=DIAGNOSES_NOT_RECORDED, source="Charlson 1987, without points for age; ICD-10 by Quan 2005",
)  # fmt: skip
def charlson(events: Events, window: Window) -> ir.Table:
    """The weights of the diseases among the diagnoses of visits, claims and conditions, each once. Coverage: diagnoses
    coded in ICD-10 among all; below 70 % it is unknown, and where they only refer to conditions that were not read. A
    patient without any is 0 where the source records diagnoses at all."""
    score = burden(events, window, YEAR_SPAN)
    return score.select(
        "patient",
        "unknown",
        value=ibis.cases((score.unknown.isnull(), score.classic)),
        coverage_numerator="mapped",
        coverage_denominator="stated",
    )
