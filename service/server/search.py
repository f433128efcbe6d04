"""A search in, raw resources out, page by page; next links are opaque and followed to the letter."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

import httpx
import msgspec

from service.errors import LinkExpired, NotFhir, PagingBroken, Refused, TooMuch
from service.server.answers import Answer, outcome_text
from service.server.caps import CAPS
from service.server.client import FhirServer, whole_tries
from service.server.egress import within


class _Link(msgspec.Struct, gc=False):
    relation: str = ""
    url: str = ""


class _Mode(msgspec.Struct, gc=False):
    mode: str = "match"


class _Entry(msgspec.Struct, gc=False):
    resource: msgspec.Raw = msgspec.Raw()
    search: _Mode = msgspec.field(default_factory=_Mode)


class _Bundle(msgspec.Struct):
    resourceType: str = ""
    total: int | None = None
    link: list[_Link] = []
    entry: list[_Entry] = []


Body = bytes | msgspec.Raw


@dataclass(frozen=True)
class Page:
    """`raw` are its resources as the server gave them, each on one line; `warnings` what its OperationOutcomes say.

    `total` may be absent or an estimate: it is shown, and nothing relies on it.
    """

    raw: Sequence[Body]
    next: str | None
    answer: Answer
    warnings: list[str] = field(default_factory=list)
    total: int | None = None

    @property
    def resources(self) -> list[bytes]:
        """To be kept beyond the page: `raw` are views into all of it."""
        return [bytes(each) for each in self.raw]


EXPIRED = (400, 404, 410)  # servers differ in what they call a link that lapsed
TURNS = 8  # of the event loop, in which a request that was begun leaves
_decoder = msgspec.json.Decoder(_Bundle)


Parameters = Mapping[str, str | Sequence[str]]
Ask = Callable[[str | None], Awaitable[Answer]]


async def pages(
    server: FhirServer, resource_type: str, parameters: Parameters, *, post: bool = False, at: str | None = None
) -> AsyncGenerator[Page, None]:
    """Every page of one search, or from the one that the next link `at` leads to.

    An empty page that has a next link is not the last; a link seen before is an error. LinkExpired: the server knows
    the link no more, so the search has to begin again.
    """
    following = within(server.base, at) if at else None
    async for page in _pages(
        server, resource_type, partial(_asked, server, resource_type, parameters, post), following
    ):
        yield page


async def pages_ahead(
    server: FhirServer, resource_type: str, parameters: Parameters, *, post: bool = False, at: str | None = None
) -> AsyncGenerator[Page, None]:
    """The same ones: the next is asked for as soon as one has come, before it is looked at. To be closed by who takes
    not all of them.
    """
    following = within(server.base, at) if at else None
    async with aclosing(Ahead(partial(_asked, server, resource_type, parameters, post), server.base)) as ahead:
        async for page in _pages(server, resource_type, ahead.asked, following):
            ahead.ask(page.next)
            yield page


async def _pages(server: FhirServer, resource_type: str, ask: Ask, following: str | None) -> AsyncGenerator[Page, None]:
    where, seen, number, empty = f"{server.base}/{resource_type}", set[bytes](), 1, 0
    while number == 1 or following:
        page = await _whole(partial(ask, following), number, resource_type)
        yield page
        if page.next:
            link = within(server.base, page.next)
            _not_seen(seen, link, number, where)
        following = link if page.next else None
        number, empty = number + 1, 0 if page.raw else empty + 1
        if number > CAPS.pages or empty > CAPS.empty_pages:
            raise PagingBroken(f"it does not end: {number:,} pages", where=where, do="ask the server's owner")


class Ahead:
    """Pages as they are asked for by their links; the one that is named next is on its way already."""

    def __init__(self, ask: Ask, base: str) -> None:
        self._ask, self._base = ask, base
        self._link: str | None = None
        self._coming: asyncio.Future[Answer] | None = None

    async def asked(self, link: str | None) -> Answer:
        coming, self._coming = self._coming, None
        if coming and link != self._link:
            await _dropped(coming)
            coming = None
        answer = await (coming or self._ask(link))
        self.ask(_next_in(answer.body))
        for _ in range(TURNS):
            await asyncio.sleep(0)
        return answer

    def ask(self, link: str | None) -> None:
        """Unless one is on its way."""
        if link is None or self._coming:
            return
        try:
            self._link = within(self._base, link)
        except PagingBroken:
            return  # who goes on there is told
        self._coming = asyncio.ensure_future(self._ask(self._link))

    async def aclose(self) -> None:
        if self._coming:
            await _dropped(self._coming)


async def _dropped(coming: asyncio.Future[Answer]) -> None:
    coming.cancel()
    await asyncio.gather(coming, return_exceptions=True)


def _next_in(body: bytes) -> str | None:
    """The next link, where it stands before the entries, as nearly every server writes it: to look no further takes
    no time."""
    head = body[: body.find(b'"entry"')].rstrip(b", \r\n\t") + b"}"
    try:
        return _next(_decoder.decode(head))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None  # told of when the page is looked at


def _next(bundle: _Bundle) -> str | None:
    return next((link.url for link in bundle.link if link.relation == "next" and link.url), None)


def _not_seen(seen: set[bytes], link: str, number: int, where: str) -> None:
    """Links can be long, so digests of them are kept."""
    digest = hashlib.blake2b(link.encode(), digest_size=16).digest()
    if digest in seen:
        raise PagingBroken(
            f"page {number} leads back to a page already read",
            where=where,
            do="run it again; if it stays, ask the server's owner",
        )
    seen.add(digest)


async def _asked(
    server: FhirServer, resource_type: str, parameters: Parameters, post: bool, link: str | None
) -> Answer:
    if link is None:
        return await _first(server, resource_type, parameters, post)
    try:
        return await server.get(link)
    except Refused as error:
        if error.status in EXPIRED:
            raise LinkExpired(
                f"the next link is known no more: {error.what}", where=error.where, do="run it again"
            ) from error
        raise


async def count(server: FhirServer, resource_type: str, parameters: Parameters) -> int | None:
    """How many match, by `_summary=count`; None where the server does not say."""
    asked = {**parameters, "_summary": "count"}
    async for attempt in whole_tries():
        with attempt:
            answer = await _first(server, resource_type, asked, post=False)
            return _bundle(answer.body, f"{resource_type}, count").total
    raise AssertionError("stamina either returns or raises")


async def _whole(ask: Callable[[], Awaitable[Answer]], number: int, resource_type: str) -> Page:
    """A page that came cut off, or as a proxy's HTML, is asked for again before it is an error."""
    async for attempt in whole_tries():
        with attempt:
            return _page(await ask(), f"{resource_type}, page {number}")
    raise AssertionError("stamina either returns or raises")


async def _first(server: FhirServer, resource_type: str, parameters: Parameters, post: bool) -> Answer:
    if post:
        return await server.post_search(resource_type, parameters)
    query = str(httpx.QueryParams(dict(parameters)))
    return await server.get(f"{server.base}/{resource_type}" + (f"?{query}" if query else ""))


def _page(answer: Answer, where: str) -> Page:
    bundle = _bundle(answer.body, where)
    if len(bundle.entry) > CAPS.entries:
        raise TooMuch(f"{len(bundle.entry):,} entries on one page", where=where, do="set a smaller page_size")
    raw, warnings, broken = list[Body](), [], b"\n" in answer.body
    for entry in bundle.entry:
        if entry.search.mode == "outcome":
            warnings.append(outcome_text(bytes(entry.resource)))
        else:
            raw.append(one_line(bytes(entry.resource)) if broken else entry.resource)
    return Page(raw, _next(bundle), answer, warnings, bundle.total)


def _bundle(body: bytes, where: str) -> _Bundle:
    if body.lstrip()[:1] == b"<":
        raise NotFhir(
            "the answer is HTML or XML, not FHIR in JSON", where=where, do="check that this is a FHIR base address"
        )
    try:
        bundle = _decoder.decode(body)
    except RecursionError as error:
        raise TooMuch("the page is nested deeper than any resource", where=where, do="ask its owner") from error
    except msgspec.MsgspecError as error:
        raise NotFhir(
            f"the page is no Bundle in JSON, or was cut off: {error}", where=where, do="run it again"
        ) from error
    if bundle.resourceType != "Bundle":
        raise NotFhir(
            f"the page is a {bundle.resourceType or 'JSON document'}, no Bundle",
            where=where,
            do="check that this is a FHIR base address",
        )
    return bundle


def one_line(body: bytes) -> bytes:
    """JSON on one line: a line break can only stand between tokens, never inside a string."""
    return body.replace(b"\r", b"").replace(b"\n", b"") if b"\n" in body else body
