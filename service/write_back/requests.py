"""A line of a plan and what the server says of itself in, the requests that would carry it out, in order.

Where the server has transactions they go as the entries of one. What is found out only by writing (a server that
states one thing and does another) changes them; so does who writes in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from service.server.capability import Capability
from service.server.quirks import IF_NONE_MATCH_IGNORED, Quirk
from service.write_back.plan_file import Line, Request


class _Identifier(msgspec.Struct):
    system: str = ""
    value: str = ""


class _Named(msgspec.Struct):
    resourceType: str
    id: str
    identifier: list[_Identifier] = []


_named = msgspec.json.Decoder(_Named)


@dataclass(frozen=True)
class Requests:
    """How this server would be asked."""

    capability: Capability

    def of(self, line: Line) -> list[Request]:
        return list(self._of(line))

    def _of(self, line: Line) -> Iterator[Request]:
        if line.observation:
            yield self._put(bytes(line.observation), line.before.version if line.before else None)
        if line.provenance:
            yield self._put(bytes(line.provenance), None)
        if line.extension:
            method = "PATCH" if self.capability.patches("Patient") and not line.extension.whole else "PUT"
            yield Request(method, line.patient, if_match(line.extension.version))

    def _put(self, resource: bytes, version: str | None) -> Request:
        named = _named.decode(resource)
        stated = self.capability.of(named.resourceType)
        if version is None and stated.update_create is False:
            return Request("POST", named.resourceType, _if_none_exist(named) if stated.conditional_create else {})
        return Request("PUT", f"{named.resourceType}/{named.id}", guard(version, self.capability.quirks))


def guard(version: str | None, quirks: frozenset[Quirk]) -> dict[str, str]:
    """What must stand there now: that version, or nothing."""
    if version is not None:
        return if_match(version)
    return if_match("0") if IF_NONE_MATCH_IGNORED in quirks else {"If-None-Match": "*"}


def if_match(version: str | None) -> dict[str, str]:
    return {"If-Match": f'W/"{version}"'} if version is not None else {}


def _if_none_exist(named: _Named) -> dict[str, str]:
    one = next(iter(named.identifier), None)
    return {"If-None-Exist": f"identifier={one.system}|{one.value}"} if one else {}
