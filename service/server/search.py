"""A search in, raw resources out, page by page; next links are opaque and followed to the letter."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
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
_decoder = msgspec.json.Decoder(_Bundle)


Parameters = Mapping[str, str | Sequence[str]]


async def pages(
    server: FhirServer, resource_type: str, parameters: Parameters, *, post: bool = False, at: str | None = None
) -> AsyncGenerator[Page, None]:
    """Every page of one search, or from the one that the next link `at` leads to.

    An empty page that has a next link is not the last; a link seen before is an error. LinkExpired: the server knows
    the link no more, so the search has to begin again.
    """
    where, seen, number, empty = f"{server.base}/{resource_type}", set[bytes](), 1, 0
    following = within(server.base, at) if at else None
    while number == 1 or following:
        page = await _whole(partial(_asked, server, resource_type, parameters, post, following), number, resource_type)
        yield page
        if page.next:
            link = within(server.base, page.next)
            _not_seen(seen, link, number, where)
        following = link if page.next else None
        number, empty = number + 1, 0 if page.raw else empty + 1
        if number > CAPS.pages or empty > CAPS.empty_pages:
            raise PagingBroken(f"it does not end: {number:,} pages", where=where, do="ask the server's owner")


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
    following = next((link.url for link in bundle.link if link.relation == "next" and link.url), None)
    return Page(raw, following, answer, warnings, bundle.total)


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
