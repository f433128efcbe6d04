"""A profile row in, the extension `patient-personalization` out: one for the panel, a barer one for the Patient."""

from __future__ import annotations

from service.compose.canonical import PATHWAY, PATIENT_PERSONALIZATION
from service.compose.content import Json
from service.compose.edition import Edition, instant
from service.compose.rows import ProfileRow

# Everybody who may read the Patient sees the extension there: pathways about money stay on the panel.
FINANCIAL = frozenset({"financial-navigation", "claims-concierge"})


def on_panel(row: ProfileRow, edition: Edition) -> Json:
    """Every pathway; no level where there is none."""
    return _extension(row, edition, row.pathways)


def on_patient(row: ProfileRow, edition: Edition) -> Json | None:
    """Level and pathways, and where to read more: no number, no reason. None without a level, or while it is held."""
    if row.level is None or row.verdict.status != "final":
        return None
    return _extension(row, edition, [code for code in row.pathways if code not in FINANCIAL])


def _extension(row: ProfileRow, edition: Edition, pathways: list[str]) -> Json:
    parts: list[Json] = [
        {"url": "profile", "valueReference": {"reference": f"Observation/{edition.identity.panel(row.patient)}"}},
        {"url": "asOf", "valueDateTime": instant(edition.as_of)},
        {"url": "validUntil", "valueDateTime": instant(edition.valid_until)},
        {"url": "frameworkVersion", "valueString": edition.framework},
    ]
    if row.level is not None:
        parts.append({"url": "level", "valueCode": row.level})
    parts += [{"url": "pathway", "valueCodeableConcept": edition.concept(PATHWAY, code)} for code in pathways]
    return {"url": PATIENT_PERSONALIZATION, "extension": parts}
