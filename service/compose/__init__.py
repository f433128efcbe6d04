"""Profile rows in, FHIR JSON out: for each patient the panel, its Provenance and what the Patient may bear.

Everything is said as the release of the edition says it: STU3, R4, R4B or R5.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from service.compose.composed import Composed
from service.compose.composing import Composing, composed
from service.compose.device import device
from service.compose.edition import Edition, read_edition
from service.compose.identity import Identity
from service.engine import Engine
from service.reviews import Reviewing

__all__ = ["Composed", "Edition", "Identity", "compose", "composed", "device", "read_edition"]


def compose(
    profiles: Path,
    edition: Edition,
    reviewing: Reviewing | None = None,
    but: Path | None = None,
    engine: Engine | None = None,
) -> Iterator[Composed]:
    """Every profile of the directory, in patient order, one at a time, as its review left it.

    `but` those of patients whom that NDJSON file names. On the executors of `engine`, where it has some.
    """
    composing = Composing(profiles, edition, reviewing, but)
    return composing.spread(engine) if engine and engine.executors else composing.all()
