"""The version that a pull's manifest names in, its maps out."""

from __future__ import annotations

from collections.abc import Mapping

from service.flatten.versions.r5 import R5
from service.flatten.versions.shape import Shape
from service.flatten.versions.stu3 import STU3

AS_IT_STANDS: Mapping[str, Shape] = {}
# By the beginning of CapabilityStatement.fhirVersion, or by name. 4.1 is R4B before it was published.
KNOWN: Mapping[str, Mapping[str, Shape]] = {
    "STU3": STU3,
    "3.0": STU3,
    "R4": AS_IT_STANDS,
    "4.0": AS_IT_STANDS,
    "4.1": AS_IT_STANDS,
    "4.3": AS_IT_STANDS,
    "R5": R5,
    "5.0": R5,
}


def shape_of(version: str, resource: str) -> Shape:
    """Of a version that is known: see `KNOWN`."""
    maps = next(maps for start, maps in KNOWN.items() if version.startswith(start))
    return maps.get(resource, Shape())
