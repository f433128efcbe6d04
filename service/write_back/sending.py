"""Writes that belong together in, the versions that they made out: one transaction, or one PUT after the other.

Each says what must stand there now: a version, or nothing. Who else wrote in between is never overwritten.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from service.errors import LostRace, NotFhir, Refused
from service.server.client import Answer, FhirServer, outcome_text
from service.server.quirks import IF_NONE_MATCH_IGNORED, Quirk
from service.write_back.standing import head, version_in


@dataclass(frozen=True)
class Put:
    """One resource as it is to stand at `Type/id`; `match` the version that must stand now, None for none.

    `before` and `after` are what the catalog keeps, so that the write can be taken back to the letter.
    """

    reference: str
    body: bytes
    match: str | None
    before: bytes | None
    after: bytes | None

    @property
    def type(self) -> str:
        return self.reference.partition("/")[0]

    @property
    def action(self) -> str:
        if self.after is None:
            return "remove"
        return "update" if self.before else "create"


class _Request(msgspec.Struct, omit_defaults=True):
    method: str
    url: str
    ifMatch: str | None = None
    ifNoneMatch: str | None = None


class _Entry(msgspec.Struct):
    resource: msgspec.Raw
    request: _Request


class _Bundle(msgspec.Struct):
    entry: list[_Entry]
    resourceType: str = "Bundle"
    type: str = "transaction"


class _Response(msgspec.Struct):
    status: str = ""
    etag: str | None = None
    location: str | None = None
    outcome: msgspec.Raw = msgspec.Raw(b"null")


class _Answered(msgspec.Struct):
    response: _Response = msgspec.field(default_factory=_Response)


class _Answers(msgspec.Struct):
    resourceType: str = ""
    entry: list[_Answered] = []


@dataclass(frozen=True)
class Sender:
    """How this server takes writes."""

    server: FhirServer
    transactions: bool
    quirks: frozenset[Quirk]

    def together(self, puts: list[Put]) -> Iterator[list[Put]]:
        """What can be sent as one: all or nothing where the server has transactions, else one resource at a time."""
        if self.transactions:
            yield puts
        else:
            yield from ([put] for put in puts)

    async def send(self, puts: list[Put]) -> list[str | None]:
        """The version of each, in order. LostRace: nothing was written. Unreachable: nobody knows."""
        if len(puts) == 1:
            return [await self._one(puts[0])]
        return await self._all_or_nothing(puts)

    async def _one(self, put: Put) -> str | None:
        header, value = self._guard(put)
        answer = await self.server.write("PUT", put.reference, put.body, {header: value})
        return version_in(answer.etag) or (head(answer.body).meta.versionId if answer.body else None)

    async def _all_or_nothing(self, puts: list[Put]) -> list[str | None]:
        bundle = msgspec.json.encode(_Bundle([self._entry(put) for put in puts]))
        answer = await self.server.write("POST", "", bundle, {"Prefer": "return=minimal"})
        return _versions(answer, puts, self.server.base)

    def _entry(self, put: Put) -> _Entry:
        header, value = self._guard(put)
        request = _Request("PUT", put.reference)
        if header == "If-Match":
            request.ifMatch = value
        else:
            request.ifNoneMatch = value
        return _Entry(msgspec.Raw(put.body), request)

    def _guard(self, put: Put) -> tuple[str, str]:
        if put.match is not None:
            return "If-Match", f'W/"{put.match}"'
        if IF_NONE_MATCH_IGNORED in self.quirks:
            return "If-Match", 'W/"0"'
        return "If-None-Match", "*"


def _versions(answer: Answer, puts: list[Put], where: str) -> list[str | None]:
    """A transaction is all or nothing; a server that answers otherwise has not understood it, and is read."""
    try:
        answers = msgspec.json.decode(answer.body, type=_Answers).entry
    except msgspec.MsgspecError as error:
        raise NotFhir(f"the answer to a transaction is no Bundle: {error}", where=where) from error
    if len(answers) != len(puts):
        raise NotFhir(f"{len(puts)} entries were sent and {len(answers)} answered", where=where)
    for put, answered in zip(puts, answers, strict=True):
        _check(put, answered.response, where)
    return [_version(answered.response) for answered in answers]


def _check(put: Put, response: _Response, where: str) -> None:
    code = int(response.status[:3]) if response.status[:3].isdigit() else 0
    if 200 <= code < 300:
        return
    said = f"{put.type} {response.status}: {outcome_text(bytes(response.outcome))}"
    raise (LostRace if code in (409, 412) else Refused)(said, where=where, status=code)


def _version(response: _Response) -> str | None:
    """The etag, or the end of Observation/x/_history/2 where there is none."""
    return version_in(response.etag) or (response.location or "").partition("/_history/")[2] or None
