"""What was asked for in - so many patients, a list of ids, a Group - and which patients that is, out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from service.errors import WrongUsage
from service.merging import merged_with
from service.references import named
from service.server.client import FhirServer
from service.server.search import pages
from service.settings import Source

FORM = re.compile(r"(?:(?:https?://\S+/)?Patient/)?[A-Za-z0-9._-]+(?:/_history/[^/]+)?")
GROUP_ID = re.compile(r"^(?:Group/)?([A-Za-z0-9.-]+)$")


class _Entity(msgspec.Struct):
    reference: str = ""


class _Member(msgspec.Struct):
    entity: _Entity = msgspec.field(default_factory=_Entity)
    inactive: bool = False


class _Group(msgspec.Struct):
    member: list[_Member] = []


class _Head(msgspec.Struct):
    id: object = ""


_group, _head = msgspec.json.Decoder(_Group), msgspec.json.Decoder(_Head)


@dataclass(frozen=True)
class Whom:
    """`ids` are those to be read, None all; `limit` the most of them. `aside`: who was named and cannot be."""

    limit: int | None = None
    ids: list[str] | None = None
    aside: list[tuple[str, str]] = field(default_factory=list)

    @property
    def limited(self) -> bool:
        return self.limit is not None or self.ids is not None

    @property
    def digest(self) -> str:
        ids = None if self.ids is None else sorted(self.ids)
        return hashlib.sha256(msgspec.json.encode([self.limit, ids])).hexdigest()

    @classmethod
    async def of(cls, server: FhirServer, only: Sequence[str] | None, group: str | None, limit: int | None) -> Whom:
        """Of a list and a Group together those who are in both."""
        if only is None and group is None:
            return cls(limit)
        listed = None if only is None else list(dict.fromkeys(only))
        belonging, aside = await members(server, group) if group else (None, [])
        if listed is None or belonging is None:
            ids = listed if belonging is None else belonging
        else:
            ids = [each for each in listed if each in set(belonging)]
        return cls(limit, (ids or [])[:limit], aside)


def patient_ids(lines: Iterable[str], where: str, source: Source) -> list[str]:
    """One id or reference a line; a line that is neither is WrongUsage with its number, and empty ones are skipped.

    An absolute reference counts only under the source's own address or one of its `aliases`.
    """
    ids = []
    for number, line in enumerate(lines, 1):
        if not (text := line.strip()) or text.startswith("#"):
            continue
        _, name = named(text if "/" in text else f"Patient/{text}", source.bases)
        if not (name and FORM.fullmatch(text)):
            raise WrongUsage(
                "a line names no Patient of this server",
                where=f"{where}, line {number}",
                do="write one id or reference a line, such as Patient/123",
            )
        ids.append(name)
    if not ids:
        raise WrongUsage("nobody is named", where=where, do="write one id or reference a line")
    return ids


async def members(server: FhirServer, group: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The Patients who are active members, and of the Groups in it too; who else is a member is set aside."""
    waiting, met, ids, aside = [_group_id(group)], set[str](), dict[str, None](), list[tuple[str, str]]()
    while waiting:
        if (current := waiting.pop()) in met:
            continue
        met.add(current)
        for reference in await _active(server, current):
            kind, name = named(reference, server.bases)
            if kind == "Patient":
                ids[name] = None
            elif kind == "Group":
                waiting.append(name)
            else:
                aside.append((f"Group/{current}", "a member is no Patient of this server"))
    return list(ids), aside


def one_with(server: FhirServer, patients: Path) -> set[str]:
    """The ids of records of this server that those in an NDJSON file are merged with."""
    with patients.open("rb") as lines:
        return {name for line in lines for name in _merged_with(server, line)}


async def say_they_are_one_with(server: FhirServer, ids: Collection[str]) -> set[str]:
    """The ids of records whose own links name one of these, which need not say so themselves.

    `Patient?link=`; a server that does not look at it answers with anybody, and is asked for no more of them.
    """
    found, asked = set[str](), {"link": ",".join(f"Patient/{each}" for each in ids)}
    async for page in pages(server, "Patient", asked, post=True):
        naming = (each for each in page.resources if not _merged_with(server, each).isdisjoint(ids))
        found |= {id for each in naming if isinstance(id := _head.decode(each).id, str)}
        if not all(b'"link"' in each for each in page.resources):
            break
    return found


def _merged_with(server: FhirServer, line: bytes) -> set[str]:
    places = (named(each, server.bases) for each in merged_with(line))
    return {name for kind, name in places if kind == "Patient"}


async def _active(server: FhirServer, group: str) -> list[str]:
    answer = await server.read(f"Group/{group}")
    if answer is None:
        raise WrongUsage("this Group is not on the server", where=f"Group/{group}", do="check --group")
    try:
        members = _group.decode(answer.body).member
    except msgspec.MsgspecError as error:
        raise WrongUsage(f"this Group cannot be read: {error}", where=f"Group/{group}", do="mend it") from error
    return [each.entity.reference for each in members if not each.inactive]


def _group_id(text: str) -> str:
    found = GROUP_ID.match(text)
    if not found:
        raise WrongUsage(f"{text!r} is no id of a Group", where="--group", do="give its id, or Group/id")
    return found[1]
