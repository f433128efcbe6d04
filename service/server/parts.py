"""The tags of a resource in, whether only some of its elements came out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

SUBSETTED = "SUBSETTED"
SYSTEMS = (
    "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "http://hl7.org/fhir/v3/ObservationValue",  # STU3
)


class Tag(Protocol):
    system: str
    code: str


def is_part(tags: Iterable[Tag]) -> bool:
    return any(tag.code == SUBSETTED and tag.system in SYSTEMS for tag in tags)
