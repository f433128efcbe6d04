"""The versions of one resource type in, compact columns out: where each version's bytes lie, and which is current.

A row is a resource, a record is one version of it; both are small numbers that keep their meaning, so that a list of
records is a stable picture of the past. About 40 bytes a version and 220 a resource.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

NOTHING = 0xFFFFFFFF
"""The record before the first version."""


class Table:
    def __init__(self) -> None:
        self.ids: list[str] = []
        self.row_of: dict[str, int] = {}
        self.current = array("I")  # row -> its newest record
        self.row = array("I")  # record -> row, and so on below
        self.previous = array("I")
        self.version = array("I")
        self.length = array("I")  # 0: this version is the deletion
        self.offset = array("Q")
        self.updated = array("q")

    def record(self, id: str, updated: int, offset: int, length: int) -> int:
        """Adds the next version of this resource and returns its record."""
        row, new = self._row(id), len(self.row)
        before = self.current[row]
        self.row.append(row)
        self.previous.append(before)
        self.version.append(1 if before == NOTHING else self.version[before] + 1)
        self.length.append(length)
        self.offset.append(offset)
        self.updated.append(updated)
        self.current[row] = new
        return new

    def _row(self, id: str) -> int:
        row = self.row_of.setdefault(id, len(self.ids))
        if row == len(self.ids):
            self.ids.append(id)
            self.current.append(NOTHING)
        return row

    def newest(self, id: str) -> int | None:
        """The record that is current for this id, be it a deletion; None when the id was never used."""
        row = self.row_of.get(id)
        return None if row is None else self.current[row]

    def versions(self, id: str) -> Iterator[int]:
        """The records of this id, newest first."""
        newest = self.newest(id)
        record = NOTHING if newest is None else newest
        while record != NOTHING:
            yield record
            record = self.previous[record]

    def lives(self, row: int) -> bool:
        return self.length[self.current[row]] > 0
