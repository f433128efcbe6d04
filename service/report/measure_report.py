"""Groups of counts and scores in, a FHIR R4 MeasureReport of type summary out. https://hl7.org/fhir/R4/measurereport.html

A number that is suppressed is `masked`; one that is not known is left out, and its text says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from fhir_profiles import CANONICAL as BASE
from service.compose.canonical import REPORT
from service.compose.content import Json
from service.compose.edition import instant
from service.compose.quantity import quantity
from service.report.basis import Basis

POPULATION = "http://terminology.hl7.org/CodeSystem/measure-population"
POPULATIONS = {
    "initial-population": "Initial Population",
    "numerator": "Numerator",
    "denominator": "Denominator",
}
MASKED = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}


@dataclass(frozen=True)
class Counted:
    """`populations` by their code, null where suppressed; `score` in `unit`, null where there is none to show."""

    populations: Mapping[str, int | None]
    score: float | None = None
    unit: str = "1"

    def json(self) -> Json:
        populations = [_population(code, n) for code, n in self.populations.items()]
        score = {} if self.score is None else {"measureScore": quantity(Decimal(str(self.score)), self.unit)}
        return ({"population": populations} if populations else {}) | score


@dataclass(frozen=True)
class Part:
    """`strata`: by the name of the stratifier, by the name of the stratum."""

    code: str
    title: str
    counted: Counted
    strata: Mapping[str, Mapping[str, Counted]] = field(default_factory=dict)


def measure_report(name: str, basis: Basis, opens: datetime, parts: Sequence[Part]) -> Json:
    """`name` is that of the report: its Measure is ours, and says what the groups are."""
    report: Json = {
        "resourceType": "MeasureReport",
        "meta": basis.edition.identity.meta(REPORT),
        "status": "complete",
        "type": "summary",
        "measure": f"{BASE}/Measure/{name}",
        "date": instant(basis.edition.as_of),
        "period": {"start": instant(opens.astimezone(basis.edition.as_of.tzinfo)), "end": instant(basis.edition.as_of)},
        "group": [_group(part) for part in parts],
    }
    notes = "; ".join(basis.notes)
    return report | ({"text": narrative(notes)} if notes else {})


def narrative(words: str) -> Json:
    escaped = words.replace("&", "&amp;").replace("<", "&lt;")
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{escaped}</div>'}


def _group(part: Part) -> Json:
    system = f"{BASE}/CodeSystem/personalization-measure"
    stratifiers = [
        {
            "code": [{"text": name}],
            "stratum": [{"value": {"text": stratum}, **counted.json()} for stratum, counted in strata.items()],
        }
        for name, strata in part.strata.items()
        if strata
    ]
    code = {"coding": [{"system": system, "code": part.code}], "text": part.title}
    return {"code": code, **part.counted.json(), **({"stratifier": stratifiers} if stratifiers else {})}


def _population(code: str, n: int | None) -> Json:
    coding = {"system": POPULATION, "code": code, "display": POPULATIONS[code]}
    return {"code": {"coding": [coding]}, **({"count": n} if n is not None else {"_count": {"extension": [MASKED]}})}
