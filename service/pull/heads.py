"""The bytes of one resource in; who it is, and which of two is newer, out. The rest of it is not looked at."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import msgspec
import numpy as np

from service.raw import BEGINS
from service.server.parts import is_part
from service.server.search import Body

LONGEST_LINE = 16 * 1024 * 1024  # bytes; what reads the lines afterwards takes no longer ones

NEWLINE, OPENS, CLOSES = b"\n{}"


class Unfit(Exception):
    """Why a line is no resource that later stages could read; `where` names it as far as that can be told."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(why)
        self.where, self.why = where, why


class Named(msgspec.Struct, gc=False):
    resourceType: str
    id: str


class Coding(msgspec.Struct, gc=False):
    system: str = ""
    code: str = ""


class Meta(msgspec.Struct, gc=False):
    versionId: str = ""
    lastUpdated: str = ""
    tag: list[Coding] = []
    security: list[Coding] = []


class Head(Named, gc=False):
    """What later stages rely on; a resource that lacks this shape would stop them in the middle."""

    meta: Meta = msgspec.field(default_factory=Meta)

    @property
    def age(self) -> tuple[dt.datetime, int]:
        """Orders versions of one id, the newest last; what tells nothing of its age comes first."""
        version = self.meta.versionId
        return self.changed or _NEVER, int(version) if version.isdecimal() and len(version) < 19 else -1

    @property
    def changed(self) -> dt.datetime | None:
        """When the server says that it was changed."""
        try:
            moment = dt.datetime.fromisoformat(self.meta.lastUpdated)
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)
# As HAPI and most servers write it, apart from tags and labels.
_USUAL = (
    BEGINS + rb',"meta":\{(?:"versionId":"[^"\\]*+",)?+"lastUpdated":"[^"\\]++"'
    rb'(?:\}|(?:,"source":"[^"\\]*+")?+(?:,"profile":\["[^][\\]*+\])?+\})'
)
_named = msgspec.json.Decoder(Named)
_head = msgspec.json.Decoder(Head)


@cache
def usual(resource_type: str) -> Callable[[Body], re.Match[bytes] | None]:
    """Whether it begins as nearly every resource of the type does: such a one is dated and whole, and [1] is its id.

    Only for what was decoded before as part of a page: to look no further takes half of the time of `checked`.
    """
    return re.compile(_USUAL % resource_type.encode()).match


def checked(body: Body, resource_type: str, place: str = "") -> Head:
    """Unfit when it is none of that type, would stop later stages, or is only a part of a resource.

    `place` is where it came, for one that cannot be named.
    """
    if len(body) > LONGEST_LINE:
        raise Unfit(
            _where(body, place or f"{resource_type} search"),
            f"a resource of {len(body):,} bytes: longer than {LONGEST_LINE:,}",
        )
    try:
        head = _head.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Unfit(_where(body, place or f"{resource_type} search"), f"no FHIR resource: {error}") from error
    _is_whole(head, resource_type)
    return head


def _is_whole(head: Head, resource_type: str) -> None:
    if head.resourceType != resource_type:
        raise Unfit(f"{head.resourceType}/{head.id}", f"came where {resource_type} was asked for")
    if head.meta.tag and is_part(head.meta.tag):
        raise Unfit(f"{head.resourceType}/{head.id}", "only a part of its elements came (SUBSETTED)")


def all_fit(lines: bytes, resource_type: str) -> tuple[list[Head], list[int]] | None:
    """Of lines that are every one a resource that `checked` would take, and nothing else; None where it has to look.

    The second is where each begins.

    A line break between two resources stands between two braces, and nowhere inside of one.
    """
    if len(lines) > LONGEST_LINE or not lines.endswith(b"}\n"):
        return None
    try:
        found = _head.decode_lines(lines)
        for each in found:
            _is_whole(each, resource_type)
    except (msgspec.MsgspecError, RecursionError, Unfit):
        return None
    characters = np.frombuffer(lines, dtype=np.uint8)
    ends = np.flatnonzero(characters == NEWLINE)
    if len(found) != len(ends):
        return None
    following = ends[:-1] + 1
    alone = (characters[ends - 1] == CLOSES).all() and (characters[following] == OPENS).all()
    return (found, [0, *following.tolist()]) if alone else None


def head(line: bytes) -> Head:
    """Of a line that was checked when it came."""
    return _head.decode(line)


def each_line(path: Path) -> Iterator[tuple[Head, bytes]]:
    with path.open("rb") as lines:
        for line in lines:
            yield head(line), line


def _where(body: Body, place: str) -> str:
    try:
        named = _named.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        return place
    return f"{named.resourceType}/{named.id}"
