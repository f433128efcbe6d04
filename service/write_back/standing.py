"""A reference in, what stands there now out; or all panels of this installation, on disk to be looked up by id."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import msgspec

from service.compose.canonical import INSTALLATION, MEASURE
from service.compose.content import Json, parse
from service.errors import LakeProblem, Refused, ServerProblem
from service.lake import private_directory
from service.server.answers import Answer
from service.server.client import FhirServer
from service.server.search import Page, pages

PATIENTS_A_SEARCH = 25
NOT_OFFERED = (404, 405, 501)


@dataclass(frozen=True)
class Standing:
    """One resource as the server holds it; `version` is None where it keeps none."""

    version: str | None
    body: bytes

    @cached_property
    def content(self) -> Json:
        return parse(self.body)


class _Tag(msgspec.Struct):
    system: str = ""
    code: str = ""


class _Meta(msgspec.Struct):
    versionId: str | None = None
    lastUpdated: str | None = None
    tag: list[_Tag] = []


class Head(msgspec.Struct):
    """What we look at before anything else."""

    id: str
    meta: _Meta = msgspec.field(default_factory=_Meta)

    def bears(self, installation: str) -> bool:
        return any(tag.system == INSTALLATION and tag.code == installation for tag in self.meta.tag)


class _Kind(msgspec.Struct):
    resourceType: str = ""


_head = msgspec.json.Decoder(Head)
_kind = msgspec.json.Decoder(_Kind)


def head(body: bytes) -> Head:
    return _head.decode(body)


def kind_of(resource: bytes | msgspec.Raw) -> str:
    """Its resource type."""
    return _kind.decode(resource).resourceType


async def read(server: FhirServer, reference: str) -> Standing | None:
    """None when nothing stands there, or what stood there is deleted."""
    answer = await server.read(reference)
    if answer is None:
        return None
    return Standing(version_in(answer.etag) or head(answer.body).meta.versionId, answer.body)


async def deleted_version(server: FhirServer, reference: str) -> str | None:
    """The version that a deletion made; None where the id was never used, or the server keeps no history."""
    try:
        answer = await server.get(f"{server.base}/{reference}/_history?_count=1")
    except Refused:
        return None
    newest = msgspec.json.decode(answer.body, type=_History).entry[:1]
    return _version_of(newest[0]) if newest else None


def _version_of(entry: _Entry) -> str | None:
    """HAPI 8.8.0 in STU3 names a deletion's version in the request's address alone."""
    _, named, version = entry.request.url.partition("/_history/")
    return version_in(entry.response.etag) or (version if named else None)


class _Response(msgspec.Struct):
    etag: str = ""


class _Request(msgspec.Struct):
    url: str = ""


class _Entry(msgspec.Struct):
    response: _Response = msgspec.field(default_factory=_Response)
    request: _Request = msgspec.field(default_factory=_Request)


class _History(msgspec.Struct):
    entry: list[_Entry] = []


def version_in(etag: str | None) -> str | None:
    """W/"2" -> 2; HAPI writes a bare 2 for a PATCH inside a transaction."""
    return (etag or "").removeprefix("W/").strip('"') or None


class Lines:
    """Resources in a file, one a line, and where each id begins: memory holds ids and offsets alone."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._offsets: dict[str, int] = {}
        self._end, self._at_end = file.seek(0, os.SEEK_END), True  # told by us: to ask for it empties the buffer
        self.reads_as: Callable[[bytes], bytes] = bytes

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Lines]:
        """An NDJSON file of the lake; of an id that comes twice the last line counts."""
        try:
            file = path.open("rb")
        except FileNotFoundError as error:
            raise LakeProblem("it is not there", where=str(path), do="run `personalize pull` again") from error
        with file:
            lines, offset = cls(file), file.seek(0)
            for line in file:
                lines._offsets[head(line).id] = offset
                offset += len(line)
            yield lines

    @classmethod
    @contextmanager
    def spooled(cls, folder: Path) -> Iterator[Lines]:
        """An empty one, in a file without a name that is gone however this process ends."""
        private_directory(folder)
        with tempfile.TemporaryFile(dir=folder) as file:
            yield cls(cast(BinaryIO, file))

    def add(self, resource_id: str, body: bytes) -> None:
        if not self._at_end:
            self._file.seek(self._end)
        self._offsets[resource_id], self._at_end = self._end, True
        self._end += self._file.write(body + b"\n")

    def get(self, resource_id: str) -> bytes | None:
        offset = self._offsets.get(resource_id)
        if offset is None:
            return None
        self._at_end = False
        self._file.seek(offset)
        return self.reads_as(self._file.readline().rstrip(b"\n"))

    def drop(self, resource_id: str) -> None:
        self._offsets.pop(resource_id, None)

    def __contains__(self, resource_id: str) -> bool:
        return resource_id in self._offsets

    def __len__(self) -> int:
        return len(self._offsets)

    def __iter__(self) -> Iterator[str]:
        return iter(self._offsets)


class Into(Protocol):
    def add(self, resource_id: str, body: bytes, /) -> None: ...


async def panels(
    server: FhirServer,
    installation: str,
    lines: Into,
    patients: Iterable[str] | None,
    *,
    more: Mapping[str, str] | None = None,
    answered: Callable[[Answer], None] = lambda _answer: None,
    resource_type: str = "Observation",
) -> None:
    """The panels that bear our tag, into `lines`: all of them, or those of the patients with these ids.

    `more` narrows the search; each answer is shown to `answered`. A server that ignores `_tag` gives others, which are
    left out.
    """
    wanted = {**criteria(installation, resource_type), "_count": str(server.source.page_size), **(more or {})}
    async for page in _first_refused(_pages(server, resource_type, wanted, patients), resource_type, server.base):
        answered(page.answer)
        for body in map(server.named_by_us, page.resources):
            panel = head(body)
            if panel.bears(installation):
                lines.add(panel.id, body)


def criteria(installation: str, resource_type: str) -> dict[str, str]:
    """What is ours; of Observations only the panels, for there a tag alone costs a server more."""
    ours = {"_tag": f"{INSTALLATION}|{installation}"}
    return ours | ({"code": f"{MEASURE}|profile"} if resource_type == "Observation" else {})


async def _pages(
    server: FhirServer, resource_type: str, wanted: dict[str, str], patients: Iterable[str] | None
) -> AsyncGenerator[Page, None]:
    """Where only some patients were read, no panel of any other is asked for; their ids stay out of URLs."""
    if patients is None:
        async for page in pages(server, resource_type, wanted):
            yield page
        return
    ids = iter(patients)
    while some := ",".join(islice(ids, PATIENTS_A_SEARCH)):
        async for page in pages(server, resource_type, {"patient": some, **wanted}, post=True):
            yield page


async def _first_refused(
    found: AsyncGenerator[Page, None], resource_type: str, where: str
) -> AsyncGenerator[Page, None]:
    """The pages as they come; a server that has no such search says so at the first."""
    answered = False
    try:
        async for page in found:
            answered = True
            yield page
    except Refused as error:
        if answered or error.status not in NOT_OFFERED:
            raise
        raise ServerProblem(
            f"this server has no search of {resource_type}, so it can take no panel: {error.what}",
            where=where,
            do="give --write none, which derives without it",
        ) from error
