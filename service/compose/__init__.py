"""Profile rows in, FHIR JSON out: for each patient the panel, its Provenance and what the Patient may bear.

Everything is said as the release of the edition says it: STU3, R4, R4B or R5.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from service.compose.composed import Composed
from service.compose.content import digest
from service.compose.device import device
from service.compose.edition import Edition, read_edition
from service.compose.identity import Identity
from service.compose.panel import panel
from service.compose.personalization import on_patient
from service.compose.provenance import provenance
from service.compose.release import said_in
from service.compose.reviewed import reviewed
from service.compose.rows import ProfileRow, read
from service.reviews import Reviewing

__all__ = ["Composed", "Edition", "Identity", "compose", "device", "read_edition"]


def compose(
    profiles: Path, edition: Edition, reviewing: Reviewing | None = None, but: Path | None = None
) -> Iterator[Composed]:
    """Every profile of the directory, in patient order, one at a time, as its review left it.

    `but` those of patients whom that NDJSON file names.
    """
    return (composed(reviewed(row, reviewing), edition) for row in read(profiles, but))


def composed(row: ProfileRow, edition: Edition) -> Composed:
    observation = said_in(edition.release, panel(row, edition))
    content = digest(observation)
    its_provenance = provenance(row.patient, observation, content, row.evidence, edition, row.verdict.review)
    return Composed(
        patient=row.patient,
        panel=observation,
        provenance=said_in(edition.release, its_provenance),
        extension=on_patient(row, edition),
        content=content,
        row=row.row,
    )
