"""Profile rows in, FHIR R4 JSON out: for each patient the panel, its Provenance and what the Patient may bear."""

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
from service.compose.reviewed import reviewed
from service.compose.rows import ProfileRow, read
from service.errors import WrongUsage
from service.reviews import Reviewing

__all__ = ["RELEASES", "Composed", "Edition", "Identity", "compose", "device", "read_edition"]

RELEASES = ("R4", "R4B")


def compose(
    profiles: Path, edition: Edition, fhir_version: str = "R4", reviewing: Reviewing | None = None
) -> Iterator[Composed]:
    """Every profile of the directory, in patient order, one at a time, as its review left it."""
    if fhir_version not in RELEASES:
        raise WrongUsage(
            f"profiles are composed for {' and '.join(RELEASES)}, not for {fhir_version}",
            do="name the server's R4 endpoint if it has one",
        )
    return (composed(reviewed(row, reviewing), edition) for row in read(profiles))


def composed(row: ProfileRow, edition: Edition) -> Composed:
    observation = panel(row, edition)
    content = digest(observation)
    return Composed(
        patient=row.patient,
        panel=observation,
        provenance=provenance(row.patient, observation, content, row.evidence, edition, row.verdict.review),
        extension=on_patient(row, edition),
        content=content,
    )
