"""The bytes of one resource in; who it is, and which of two is newer, out. The rest of it is not looked at."""

from __future__ import annotations

import datetime as dt

import msgspec

from service.server.parts import is_part

LONGEST_LINE = 16 * 1024 * 1024  # bytes; what reads the lines afterwards takes no longer ones


class Unfit(Exception):
    """Why a line is no resource that later stages could read; `where` names it as far as that can be told."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(why)
        self.where, self.why = where, why


class Named(msgspec.Struct):
    resourceType: str
    id: str


class Coding(msgspec.Struct):
    system: str = ""
    code: str = ""


class Meta(msgspec.Struct):
    versionId: str = ""
    lastUpdated: str = ""
    tag: list[Coding] = []
    security: list[Coding] = []


class Head(Named):
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
_named = msgspec.json.Decoder(Named)
_head = msgspec.json.Decoder(Head)


def checked(body: bytes, resource_type: str, place: str = "") -> Head:
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
    if head.resourceType != resource_type:
        raise Unfit(f"{head.resourceType}/{head.id}", f"came where {resource_type} was asked for")
    if head.meta.tag and is_part(head.meta.tag):
        raise Unfit(f"{head.resourceType}/{head.id}", "only a part of its elements came (SUBSETTED)")
    return head


def head(line: bytes) -> Head:
    """Of a line that was checked when it came."""
    return _head.decode(line)


def _where(body: bytes, place: str) -> str:
    try:
        named = _named.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        return place
    return f"{named.resourceType}/{named.id}"
