"""The complete pull that came before in; out of each type what may stand of it, and from when changes are asked for.

Nothing is taken from it that cannot be proven: a type is read whole where the server does not date its resources, does
not look at `_lastUpdated`, or counts others than we then hold (a search never tells of deletions).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from service.errors import LakeProblem
from service.lake import read_json
from service.pull.manifest import Pulled
from service.pull.sheet import Aside, Sheet

Own = Callable[[str, bytes], bool]
TICK = dt.timedelta(seconds=1)  # servers that keep whole seconds, and those that round


@dataclass(frozen=True)
class Told:
    """One type of the earlier pull: its file, what its manifest says of it, and the server's clock at its beginning."""

    type: str
    file: Path
    pulled: Pulled
    since: dt.datetime
    aside: Sequence[Aside]

    def still_aside(self, came: Collection[str]) -> list[Aside]:
        """What was set aside then, and has not come again since."""
        return [each for each in self.aside if each.where.removeprefix(f"{self.type}/") not in came]

    def asks(self, overlap: int) -> str:
        """Commits become visible out of order, and clocks within a cluster differ: so from a little before."""
        return f"ge{self._from(overlap).strftime('%Y-%m-%dT%H:%M:%S')}Z"

    def _from(self, overlap: int) -> dt.datetime:
        return self.since.astimezone(dt.UTC) - dt.timedelta(seconds=overlap)

    def ignored(self, news: Sheet, overlap: int) -> bool:
        """Whether the server gave what was changed long before."""
        oldest = min((head.changed for head, _ in news.heads() if head.changed), default=self.since)
        return not news.dated or oldest < self._from(overlap) - TICK

    def differs(self, now: Pulled) -> str | None:
        """Why the merged lines are not all there is; None where they are, as far as the server tells."""
        if self.pulled.stated is None or now.stated is None:
            return None
        ours, theirs = now.count - self.pulled.count, now.stated - self.pulled.stated
        if ours == theirs:
            return None
        return f"the server counts {now.stated:,}, and {self.pulled.stated + ours:,} would be left: some were deleted"


@dataclass(frozen=True)
class Earlier:
    """`raw` is its directory, `marks` the server's clock by type; `own` tells what we wrote ourselves."""

    raw: Path
    marks: Mapping[str, dt.datetime]
    own: Own
    manifest: Mapping[str, Any]

    @classmethod
    def of(cls, raw: Path, base: str, marks: Mapping[str, dt.datetime], own: Own, scope: str = "") -> Earlier | None:
        """None where nothing of it is left, or it was another server, or of other patients than now.

        `scope` is the Group that all pulls of the source are of.
        """
        try:
            manifest = read_json(raw / "manifest.json", "pull")
        except LakeProblem:
            return None
        if manifest.get("incomplete") or manifest.get("scope", "") != scope or manifest.get("base") != base:
            return None
        if manifest.get("limited") and not scope:
            return None
        return cls(raw, marks, own, manifest)

    @property
    def run(self) -> str:
        return self.raw.name

    def follows(self, fhir_version: str) -> bool:
        return self.manifest.get("fhir_version") == fhir_version

    def held_none(self, resource_type: str) -> bool:
        """It was read, and there was none of it."""
        pulled = msgspec.convert(self.manifest.get("types", {}).get(resource_type, {"unknown": "not read"}), Pulled)
        return not (pulled.count or pulled.unknown) and resource_type in self.marks

    def told(self, resource_type: str) -> Told | str:
        """Or why it has to be read whole; empty where that goes without saying."""
        types: Mapping[str, Any] = self.manifest.get("types", {})
        pulled = msgspec.convert(types.get(resource_type, {}), Pulled)
        file, since = self.raw / f"{resource_type}.ndjson", self.marks.get(resource_type)
        if pulled.undated:
            return pulled.undated
        if not pulled.count or since is None or not file.is_file():
            return ""
        return Told(resource_type, file, pulled, since, self._aside(resource_type))

    def _aside(self, resource_type: str) -> list[Aside]:
        entries = msgspec.convert(self.manifest.get("set_aside", []), list[Aside])
        return [each for each in entries if each.of == resource_type]
