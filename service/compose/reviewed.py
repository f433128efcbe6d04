"""A derived profile and its review in, the profile as it counts out: held, withdrawn, or as a person said instead."""

from __future__ import annotations

from dataclasses import replace

from service.compose.rows import ProfileRow
from service.reviews import Review, Reviewing


def reviewed(row: ProfileRow, reviewing: Reviewing | None) -> ProfileRow:
    """Without reviews everything counts as it was derived."""
    if reviewing is None:
        return row
    rules = [fired.code for fired in row.rationale]
    verdict = reviewing.verdict(row.patient, row.level, row.pathways, rules)
    row = replace(row, verdict=verdict)
    return _overridden(row, verdict.review) if verdict.review and not row.deceased else row


def _overridden(row: ProfileRow, review: Review) -> ProfileRow:
    pathways = sorted({*row.pathways, *review.added} - set(review.dropped))
    level = review.level or row.level
    return replace(row, level=level, level_absent=None if level else row.level_absent, pathways=pathways)
