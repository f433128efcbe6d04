"""A profile row in, the panel out: one Observation with the level, the reasons and every measure as a component."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from service.compose.absent import level_absent, measure_absent
from service.compose.canonical import (
    CATEGORY,
    LEVEL,
    MEASURE,
    MEASURE_BASIS,
    PROFILE,
    PROFILE_IDENTIFIER,
    RATIONALE,
    USUAL_PROVIDER,
)
from service.compose.content import Json, plain
from service.compose.edition import Edition, instant
from service.compose.personalization import on_panel
from service.compose.quantity import quantity
from service.compose.rows import Measure, ProfileRow, Rationale
from service.errors import LakeProblem

ROLLING = ("p7d", "p1m", "p1y")
SHARE = Decimal("0.000001")
PROVIDERS = {"usual-clinician-p1y": "clinician", "usual-site-p1y": "site"}
# As if nothing stood there yet; what does decides whether it is amended or entered-in-error (status.py).
STATUS = {"final": "final", "preliminary": "preliminary", "withdrawn": "cancelled"}


def panel(row: ProfileRow, edition: Edition) -> Json:
    identifier = edition.identity.panel(row.patient)
    return {
        "resourceType": "Observation",
        "id": identifier,
        "meta": edition.identity.meta(PROFILE),
        "extension": [on_panel(row, edition), *map(_rationale, row.rationale), *_usual_providers(row.measures)],
        "identifier": [{"system": PROFILE_IDENTIFIER, "value": identifier}],
        "status": STATUS[row.verdict.status],
        "category": [edition.concept(CATEGORY, "personalization")],
        "code": edition.concept(MEASURE, "profile"),
        "subject": {"reference": row.patient},
        "effectivePeriod": {"start": instant(edition.year_before), "end": instant(edition.as_of)},
        "issued": instant(edition.as_of),
        **_performer(row),
        **_level(row, edition),
        "method": {"text": f"fhir-personalization {edition.framework}"},
        "device": {"reference": f"Device/{edition.identity.device}"},
        "component": [_component(measure, edition) for measure in row.measures if not _only_names(measure)],
    }


def _performer(row: ProfileRow) -> Json:
    """Who stands for it, once a person has looked."""
    return {"performer": [row.verdict.review.who()]} if row.verdict.review else {}


def _level(row: ProfileRow, edition: Edition) -> Json:
    """Exactly one of the two: a level, or why there is none."""
    if row.level is not None:
        return {"valueCodeableConcept": edition.concept(LEVEL, row.level)}
    return {"dataAbsentReason": level_absent(row.level_absent)}


def _only_names(measure: Measure) -> bool:
    """Who looks after the patient is no value of an observation."""
    return measure.mode is not None and measure.value is None


def _component(measure: Measure, edition: Edition) -> Json:
    coding = edition.measure(measure.code)
    return {"extension": [_basis(measure, coding)], "code": {"coding": [coding]}, **_value(measure, edition)}


def _value(measure: Measure, edition: Edition) -> Json:
    if measure.unknown is not None:
        return {"dataAbsentReason": measure_absent(measure.unknown, edition.unknown)}
    if measure.date is not None:
        return {"valueDateTime": measure.date.isoformat()}
    if measure.value is not None and measure.unit is not None:
        return {"valueQuantity": quantity(measure.value, measure.unit)}
    raise LakeProblem(
        f"{measure.code} has neither a value with a unit nor a reason why it is unknown",
        where="measures.parquet",
        do="run `personalize derive` again",
    )


def _basis(measure: Measure, coding: Json) -> Json:
    """The ground under the number; the window is a code, because dates would move every night."""
    parts: list[Json] = []
    if measure.numerator is not None:
        parts.append({"url": "numerator", "valueDecimal": measure.numerator})
    if measure.denominator is not None:
        parts.append({"url": "denominator", "valueDecimal": measure.denominator})
    parts.append({"url": "window", "valueCode": _window(measure.code)})
    parts.append({"url": "definition", "valueUri": f"{coding['system']}#{measure.code}"})
    if measure.coverage_numerator is not None and measure.coverage_denominator:
        covered = Decimal(measure.coverage_numerator) / measure.coverage_denominator
        parts.append({"url": "coverage", "valueDecimal": plain(covered.quantize(SHARE))})
    return {"url": MEASURE_BASIS, "extension": parts}


def _window(code: str) -> str:
    """Codes carry their window; one that carries none looks at the whole record."""
    last = code.rpartition("-")[2]
    return last if last in ROLLING else "ever"


def _usual_providers(measures: list[Measure]) -> Iterator[Json]:
    """Whom the patient usually sees, and where: a component has no place for a reference."""
    for measure in measures:
        role = PROVIDERS.get(measure.code)
        if role and measure.mode and measure.value is not None and measure.denominator is not None:
            yield _usual_provider(role, measure.mode, measure.value, measure.denominator)


def _usual_provider(role: str, provider: str, share: Decimal, visits: int) -> Json:
    parts: list[Json] = [
        {"url": "provider", "valueReference": {"reference": provider}},
        {"url": "role", "valueCode": role},
        {"url": "share", "valueDecimal": plain(share)},
        {"url": "visits", "valueDecimal": visits},
    ]
    return {"url": USUAL_PROVIDER, "extension": parts}


def _rationale(fired: Rationale) -> Json:
    parts: list[Json] = [{"url": "code", "valueCode": fired.code}, {"url": "measure", "valueCode": fired.measure}]
    if fired.date is not None:
        parts.append({"url": "value", "valueDate": fired.date.isoformat()})
    elif fired.value is not None:
        parts.append({"url": "value", "valueQuantity": quantity(fired.value, fired.unit or "1")})
    if fired.threshold is not None:
        parts.append({"url": "threshold", "valueQuantity": quantity(fired.threshold, fired.threshold_unit or "1")})
    return {"url": RATIONALE, "extension": parts}
