"""The lines of an earlier pull and what came since in; one file of all, each resource once, out.

Where nothing came that was not there, the earlier file itself stands in the new place too: one file with two names.
Else what came stands at the end, and the earlier lines that stand no more are kept beside, for who takes the rest over.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec

from service.lake import linked, replaced
from service.pull.earlier import Own, Told
from service.pull.heads import BEGINS, Head, head
from service.pull.manifest import Pulled
from service.pull.sheet import Sheet

AT_ONCE = 1 << 20  # bytes
_begins = re.compile(BEGINS % rb"[A-Za-z]+").match


class _Id(msgspec.Struct):
    id: str


class _News(NamedTuple):
    place: int
    version: tuple[str, str]


_id = msgspec.json.Decoder(_Id)


def merged(
    told: Told, news: Sheet, target: Path, own: Own, gone: frozenset[str] = frozenset()
) -> tuple[Pulled, frozenset[str]]:
    """What it says of the type then, and the ids that came; `since` is when the changes were asked for.

    `gone` are ids that were deleted since: of those only what came again stays.
    """
    came = _by_id(news.path)
    ids = frozenset(came)
    return _merged(told, news, target, own, came, gone), ids


def _merged(told: Told, news: Sheet, target: Path, own: Own, came: dict[str, _News], gone: frozenset[str]) -> Pulled:
    begun = news.pulled.since
    undated = None if begun else "the server does not tell the time"
    kept = replace(told.pulled, since=begun, undated=undated, changed=0, came_at=None)
    if not (came or gone):
        return _as_it_was(told, target, kept)
    held, removed = _over(told.file, target, came, gone)
    if not (came or removed):
        return _as_it_was(told, target, kept)
    begins = target.stat().st_size
    mine = _appended(news.path, target, came, own, news.type)
    return replace(kept, count=held + len(came), changed=len(came) + removed, own=mine, came_at=begins)


def _as_it_was(told: Told, target: Path, kept: Pulled) -> Pulled:
    target.unlink(missing_ok=True)
    replaced(target).unlink(missing_ok=True)
    linked(told.file, target)
    return kept


def _by_id(path: Path) -> dict[str, _News]:
    came, place = {}, 0
    with path.open("rb") as lines:
        for line in lines:
            found = head(line)
            came[found.id] = _News(place, _version(found))
            place += len(line)
    return came


def _version(found: Head) -> tuple[str, str]:
    return found.meta.versionId, found.meta.lastUpdated


def _over(file: Path, target: Path, came: dict[str, _News], gone: frozenset[str]) -> tuple[int, int]:
    """Copies the earlier lines but those in whose place something came; what had come before is taken out of `came`.

    How many were copied, and how many are gone with nothing in their place.
    """
    count, removed, new = 0, 0, target.with_name(target.name + ".new")
    with file.open("rb", AT_ONCE) as lines, new.open("wb", AT_ONCE) as out, replaced(target).open("wb") as past:
        for line in lines:
            known = _id_of(line)
            found = came.get(known)
            if found is not None and found.version == _version(head(line)):
                del came[known]
            elif found is not None or known in gone:
                removed += found is None
                past.write(line)
                continue
            out.write(line)
            count += 1
    new.replace(target)
    return count, removed


def _id_of(line: bytes) -> str:
    """Nearly every server begins a resource with it, and to look no further takes a fifth of the time."""
    begins = _begins(line)
    return begins[1].decode() if begins else _id.decode(line).id


def _appended(path: Path, target: Path, came: dict[str, _News], own: Own, resource_type: str) -> int:
    """How many of them are ours alone."""
    mine = 0
    with path.open("rb") as lines, target.open("ab") as out:
        for each in came.values():
            lines.seek(each.place)
            line = lines.readline()
            mine += own(resource_type, line)
            out.write(line)
    return mine
