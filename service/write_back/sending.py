"""Writes that belong together in, what became of each out: one transaction, one batch, or one request after the other.

Each says what must stand there now: a version, or nothing. Who else wrote in between is never overwritten.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from service.errors import LostRace, NotFhir, Refused, ServerBusy, ServerProblem, Unreachable
from service.server.answers import Answer, outcome_code, outcome_text
from service.server.capability import JSON_PATCH
from service.server.client import FhirServer
from service.write_back.manner import Manner
from service.write_back.requests import guard
from service.write_back.standing import head, version_in

NOT_IMPLEMENTED = 501


@dataclass(frozen=True)
class Put:
    """One resource as it is to stand at `Type/id`; `match` the version that must stand now, None for none.

    `before` and `after` are what the catalog keeps of both, so that the write can be taken back to the letter; `patch`
    is the same change as a JSON Patch, where there is one.
    """

    reference: str
    body: bytes
    match: str | None
    before: bytes | None
    after: bytes | None
    patch: bytes | None = None

    @property
    def type(self) -> str:
        return self.reference.partition("/")[0]

    @property
    def action(self) -> str:
        if self.after is None:
            return "remove"
        return "update" if self.before else "create"


@dataclass(frozen=True)
class Written:
    """Done, and the version that it made where the server names one."""

    version: str | None


Outcome = Written | ServerProblem


def unknown(outcome: Outcome) -> bool:
    """Some servers fail after the work is done, or in the middle of it: a 5xx is believed only after reading."""
    silent = isinstance(outcome, Unreachable | NotFhir | ServerBusy)
    return silent or (isinstance(outcome, Refused) and outcome.status >= 500 and outcome.status != NOT_IMPLEMENTED)


class Lowered(Exception):
    """This server does not take writes in this manner, and nothing was written: the next try goes a plainer way."""


class _Request(msgspec.Struct, omit_defaults=True):
    method: str
    url: str
    ifMatch: str | None = None
    ifNoneMatch: str | None = None


class _Entry(msgspec.Struct):
    resource: msgspec.Raw
    request: _Request


class _Bundle(msgspec.Struct):
    type: str
    entry: list[_Entry]
    resourceType: str = "Bundle"


class _Binary(msgspec.Struct):
    """How R4 carries a patch inside a Bundle."""

    data: str
    contentType: str = JSON_PATCH
    resourceType: str = "Binary"


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


@dataclass
class Sender:
    """How this server takes writes, and the server; what it answers may lower the manner."""

    direct: FhirServer
    manner: Manner
    assigned: FhirServer

    @property
    def server(self) -> FhirServer:
        """By our names, also where the server gives its own."""
        return self.assigned if self.manner.assigns_ids else self.direct

    def first(self, puts: list[Put]) -> list[Put]:
        """What of these, which are in the order of their references, can be sent as one.

        A batch is not all or nothing, so what a Patient points at must stand before the Patient is sent.
        """
        if self.manner.assigns_ids or self.manner.together == "single":
            return puts[:1]
        if self.manner.together == "transaction":
            return puts
        before = [put for put in puts if put.type != "Patient"]
        return before or puts

    async def send(self, puts: list[Put]) -> list[Outcome]:
        """What became of each, in order; a problem stands for all where the server answered as a whole."""
        several, patched = len(puts) > 1, any(self._patches(put) for put in puts)
        if self.manner.assigns_ids:
            self.manner.posts()
        try:
            outcomes = await (self._bundle(puts) if several else self._one(puts[0]))
        except ServerProblem as error:
            if self.manner.lowered(error, several=several, patched=patched) or self._gives_ids(puts, error):
                raise Lowered from error
            return [error] * len(puts)
        if all(isinstance(each, Written) for each in outcomes):
            created = any(put.match is None for put in puts)
            self.manner.worked(several=several, patched=patched, created=created)
        return outcomes

    def _gives_ids(self, puts: list[Put], error: ServerProblem) -> bool:
        """A first PUT to an id of ours that is refused for it: the next try is a POST."""
        first = len(puts) == 1 and puts[0].match is None and puts[0].type != "Patient"
        return first and self.manner.gives_ids(error, puts[0].type)

    def _patches(self, put: Put) -> bool:
        return self.manner.patch and put.patch is not None

    async def _one(self, put: Put) -> list[Outcome]:
        headers = guard(put.match, self.manner.quirks)
        if self._patches(put):
            sent = {**headers, "Content-Type": JSON_PATCH}
            answer = await self.server.write("PATCH", put.reference, put.patch or b"", sent)
        else:
            answer = await self.server.write("PUT", put.reference, put.body, headers)
        return [Written(version_of(answer))]

    async def _bundle(self, puts: list[Put]) -> list[Outcome]:
        kind = self.manner.together
        bundle = msgspec.json.encode(_Bundle(kind, [self._entry(put) for put in puts]))
        answer = await self.server.write("POST", "", bundle, {"Prefer": "return=minimal"})
        responses = _responses(answer, puts, self.server.base)
        outcomes = [_outcome(put, each, self.server.base) for put, each in zip(puts, responses, strict=True)]
        if kind == "transaction":
            _all_or_nothing(outcomes)
        return outcomes

    def _entry(self, put: Put) -> _Entry:
        headers = guard(put.match, self.manner.quirks)
        method, body = ("PATCH", _binary(put)) if self._patches(put) else ("PUT", put.body)
        request = _Request(method, put.reference, headers.get("If-Match"), headers.get("If-None-Match"))
        return _Entry(msgspec.Raw(body), request)


def _binary(put: Put) -> bytes:
    return msgspec.json.encode(_Binary(base64.b64encode(put.patch or b"").decode()))


def version_of(answer: Answer) -> str | None:
    """Of what was just written: the answer may hold the resource, no more than an outcome, or half of either."""
    try:
        return version_in(answer.etag) or (head(answer.body).meta.versionId if answer.body else None)
    except msgspec.MsgspecError:
        return None


def _responses(answer: Answer, puts: Sequence[Put], where: str) -> list[_Response]:
    try:
        answers = msgspec.json.decode(answer.body, type=_Answers).entry
    except msgspec.MsgspecError as error:
        raise NotFhir(f"the answer to a transaction is no Bundle: {error}", where=where) from error
    if len(answers) != len(puts):
        raise NotFhir(f"{len(puts)} entries were sent and {len(answers)} answered", where=where)
    return [answered.response for answered in answers]


def _all_or_nothing(outcomes: list[Outcome]) -> None:
    """A server that answers a transaction otherwise has not understood it, and is read."""
    for outcome in outcomes:
        if isinstance(outcome, ServerProblem):
            raise outcome


def _outcome(put: Put, response: _Response, where: str) -> Outcome:
    code = int(response.status[:3]) if response.status[:3].isdigit() else 0
    if 200 <= code < 300:
        return Written(_version(response))
    outcome = bytes(response.outcome)
    said = f"{put.type} {response.status}: {outcome_text(outcome)}"
    if code in (429, 503):
        return ServerBusy(said, where=where, do="run this again later")
    return (LostRace if code in (409, 412) else Refused)(said, where=where, status=code, code=outcome_code(outcome))


def _version(response: _Response) -> str | None:
    """The etag, or the end of Observation/x/_history/2 where there is none."""
    return version_in(response.etag) or (response.location or "").partition("/_history/")[2] or None
