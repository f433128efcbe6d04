"""What one pull brought, and what it did not: the manifest beside the NDJSON files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.errors import LakeProblem
from service.lake import read_json

Progress = Callable[[str, int], None]


@dataclass
class Pulled:
    """One type: how many lines, or why it is unknown. Unknown is never an empty file.

    `since` is the server's clock when its reading began: what changes later is what a next pull asks for. None where
    the server cannot be asked for that, and `undated` says why. `stated` is how many the server counted. `changed` of
    the lines are not in the run that was followed, `own` of them only because we wrote them ourselves; None where the
    type was read whole. Where they stand at the end of the file, or of that beside it (`raw.later`), they begin at byte
    `came_at`, and the lines of that run which stand here no more are in `<Type>.replaced`.
    """

    count: int = 0
    unknown: str | None = None
    since: str | None = None
    undated: str | None = None
    stated: int | None = None
    changed: int | None = None
    own: int = 0
    came_at: int | None = None


@dataclass
class Manifest:
    """What one pull brought; `limited` when not every patient of the server was asked for.

    `stated_base` is what the server calls its own address, where it says so: behind a proxy another than `base`.
    `way` says how it was read, and why so. `scope` is the Group that all pulls of the source are of, `incomplete`
    says that an export failed in part.
    `follows` is the run whose lines stand here too, where nothing came in their place.
    """

    source: str
    base: str
    stated_base: str
    fhir_version: str
    software: str
    server_date: str
    limited: bool
    types: dict[str, Pulled] = field(default_factory=dict)
    set_aside: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    follows: str | None = None
    way: str = ""
    scope: str = ""
    incomplete: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether it was of all that the source is about: the server's patients, or those of its Group."""
        return is_whole(limited=self.limited, scope=self.scope, incomplete=self.incomplete)


def is_whole(*, limited: bool, scope: str, incomplete: bool) -> bool:
    return not limited or (bool(scope) and not incomplete)


def whole(raw: Path) -> bool:
    """As the manifest there tells it; where nothing is left of it, it may not have been."""
    if (told := _told(raw)) is None:
        return False
    parts = {"limited": told.get("limited", True), "scope": told.get("scope", "")}
    return is_whole(**parts, incomplete=told.get("incomplete", False))


def lines(raw: Path) -> int:
    """How many resources lie there; none before the manifest does."""
    told = _told(raw) or {}
    return sum(each.get("count", 0) for each in told.get("types", {}).values())


def _told(raw: Path) -> dict[str, Any] | None:
    try:
        told: dict[str, Any] = read_json(raw / "manifest.json", "pull")
    except LakeProblem:
        return None
    return told
