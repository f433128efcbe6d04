"""An export's downloads in, one type after the other out: its lines into a sheet, and who was deleted since."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from service.pull.bulk_files import Held
from service.pull.places import Places
from service.pull.sheet import Sheet


@dataclass
class Came:
    """Of one type: the file that gathers its lines, what is in it of each download, and where which id, if known."""

    file: Path
    places: Places | None
    downloads: list[Held] = field(default_factory=list)


@dataclass
class Brought:
    """`begun` is the export's transactionTime; `partial` what the server says that it could not export."""

    begun: str
    deleted: list[str] = field(default_factory=list)
    partial: list[str] = field(default_factory=list)
    types: dict[str, Came] = field(default_factory=dict)

    def gone(self, resource_type: str) -> frozenset[str]:
        """The ids of those deleted since."""
        named = (each.partition("/") for each in self.deleted)
        return frozenset(resource_id for kind, _, resource_id in named if kind == resource_type)

    def fill(self, sheet: Sheet) -> None:
        """All that came of its type into an empty sheet; it is settled by the caller."""
        if not (came := self.types.get(sheet.type)):
            return
        spans = sorted(span for held in came.downloads for span in held.spans)
        sheet.adopt(came.file, spans, came.places, dated=all(held.dated for held in came.downloads))
        sheet.aside += [aside for held in came.downloads for aside in held.aside]
