"""The lines of an earlier pull and what came since in; the lines of all, each resource once, out.

Where nothing came that was not there, the earlier files themselves stand in the new place too: one file with two names.
Else what came stands at the end, and the earlier lines that stand no more are kept, for who takes the rest over. A
large file of which little changes is not written anew each night: what came since stands beside, until it is no little.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

from service import raw
from service.pull.earlier import Own, Told
from service.pull.heads import Head, head
from service.pull.manifest import Pulled
from service.pull.places import Places, found
from service.pull.sheet import Sheet

LITTLE = 1 / 8  # of the file beside which it stands, in lines or bytes
WEEK = 7 * 24 * 3600  # seconds; what no longer stands in a file that is shared is not kept for longer


class _News(NamedTuple):
    place: int
    version: tuple[str, str]


def merged(
    told: Told, news: Sheet, target: Path, own: Own, gone: frozenset[str] = frozenset()
) -> tuple[Pulled, frozenset[str]]:
    """What it says of the type then, and the ids that came; `since` is when the changes were asked for.

    `gone` are ids that were deleted since: of those only what came again stays.
    """
    came = _by_id(news.path)
    ids = frozenset(came)
    begun = news.pulled.since
    undated = None if begun else "the server does not tell the time"
    kept = replace(told.pulled, since=begun, undated=undated, changed=0, came_at=None)
    return _Laying(told, news, target, came, gone).over(kept, own), ids


def _by_id(path: Path) -> dict[str, _News]:
    came, place = {}, 0
    with path.open("rb") as lines:
        for line in lines:
            said = head(line)
            came[said.id] = _News(place, _version(said))
            place += len(line)
    return came


def _version(said: Head) -> tuple[str, str]:
    return said.meta.versionId, said.meta.lastUpdated


class _Laying:
    """One type of one pull; what had come before is taken out of `came`, line by line of the earlier ones."""

    def __init__(self, told: Told, news: Sheet, target: Path, came: dict[str, _News], gone: Collection[str]) -> None:
        self.file, self.held, self.news, self.target = told.file, told.pulled.count, news, target
        self.came, self.gone = came, gone
        self.removed = 0  # with nothing in their place

    def over(self, kept: Pulled, own: Own) -> Pulled:
        raw.without(self.target)
        if not (self.came or self.gone):
            return self._as_it_was(kept)
        with raw.replaced(self.target).open("xb") as past:
            lines = self._looked_up()
            held = self._copied(past) if lines is None else self._beside(lines, past)
        if not (self.came or self.removed):
            return self._as_it_was(kept)
        file = raw.later(self.target) if raw.in_two(self.target) else self.target
        begins = file.stat().st_size
        mine = self._appended(file, own)
        if file == self.target and raw.may_be_in_two(file):
            Places.of(file, file.with_suffix(".index.new")).kept(raw.index(file), file)
        changed = len(self.came) + self.removed
        return replace(kept, count=held + len(self.came), changed=changed, own=mine, came_at=begins)

    def _as_it_was(self, kept: Pulled) -> Pulled:
        raw.without(self.target)
        raw.linked_lines(self.file, self.target)
        return kept

    def _stands(self, known: str, line: bytes, past: BinaryIO) -> bool:
        """Whether an earlier line does still."""
        came = self.came.get(known)
        if came is not None and came.version == _version(head(line)):
            del self.came[known]
        elif came is not None or known in self.gone:
            self.removed += came is None
            past.write(line)
            return False
        return True

    def _looked_up(self) -> Iterator[tuple[str, bytes]] | None:
        """Lines of the large file that may stand no more; None where it is to be written anew."""
        if not raw.may_be_in_two(self.file) or self._no_little():
            return None
        return found(raw.index(self.file), self.file, [*self.came, *self.gone])

    def _no_little(self) -> bool:
        told = self.file.stat()
        size = sum(each.stat().st_size for each in (self.news.path, raw.later(self.file)) if each.is_file())
        lines = len(self.came) + len(self.gone) + len(raw.ids_superseded(self.file))
        return size > LITTLE * told.st_size or lines > LITTLE * self.held or time.time() - told.st_mtime > WEEK

    def _beside(self, lines: Iterable[tuple[str, bytes]], past: BinaryIO) -> int:
        """The large file is shared, and what came later than it written anew; how many lines of both stand still."""
        before = raw.ids_superseded(self.file)
        now = {one for one, line in lines if one not in before and not self._stands(one, line, past)}
        raw.linked_file(self.file, self.target)
        raw.superseded(self.target).write_bytes(raw.as_superseded(before | now))
        gone = len(now)
        with raw.later(self.target).open("xb") as out:
            for line in raw.lines_later(self.file):
                if self._stands(raw.id_of(line), line, past):
                    out.write(line)
                else:
                    gone += 1
        return self.held - gone

    def _copied(self, past: BinaryIO) -> int:
        """As `_beside`, all in one file."""
        count = 0
        with self.target.open("xb", raw.AT_ONCE) as out:
            for line in raw.lines_of(self.file):
                if self._stands(raw.id_of(line), line, past):
                    out.write(line)
                    count += 1
        return count

    def _appended(self, target: Path, own: Own) -> int:
        """How many of them are ours alone."""
        mine = 0
        with self.news.path.open("rb") as lines, target.open("ab") as out:
            for each in self.came.values():
                lines.seek(each.place)
                line = lines.readline()
                mine += own(self.news.type, line)
                out.write(line)
        return mine
