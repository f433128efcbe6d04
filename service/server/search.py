"""A search in, raw resources out, page by page; next links are opaque and followed to the letter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import httpx
import msgspec
import stamina

from service.errors import NotFhir, PagingBroken
from service.server.client import Answer, FhirServer, outcome_text
from service.server.egress import within


class _Link(msgspec.Struct):
    relation: str = ""
    url: str = ""


class _Mode(msgspec.Struct):
    mode: str = "match"


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw()
    search: _Mode = msgspec.field(default_factory=_Mode)


class _Bundle(msgspec.Struct):
    resourceType: str = ""
    total: int | None = None
    link: list[_Link] = []
    entry: list[_Entry] = []


@dataclass(frozen=True)
class Page:
    """`resources` are bytes as the server gave them; `warnings` what its OperationOutcome entries say.

    `total` may be absent or an estimate: it is shown, and nothing relies on it.
    """

    resources: list[bytes]
    next: str | None
    answer: Answer
    warnings: list[str] = field(default_factory=list)
    total: int | None = None


_decoder = msgspec.json.Decoder(_Bundle)


async def pages(
    server: FhirServer, resource_type: str, parameters: Mapping[str, str], *, post: bool = False
) -> AsyncIterator[Page]:
    """Every page of one search. An empty page that has a next link is not the last; a link seen before is an error."""
    number, seen = 1, set[str]()
    page = await _whole(lambda: _first(server, resource_type, parameters, post), f"{resource_type}, page 1")
    yield page
    while page.next:
        link = within(server.base, page.next)
        if link in seen:
            raise PagingBroken(
                f"page {number} leads back to a page already read",
                where=f"{server.base}/{resource_type}",
                do="run it again; if it stays, ask the server's owner",
            )
        seen.add(link)
        number += 1
        page = await _whole(partial(server.get, link), f"{resource_type}, page {number}")
        yield page


async def count(server: FhirServer, resource_type: str, parameters: Mapping[str, str]) -> int | None:
    """How many match, by `_summary=count`; None where the server does not say."""
    answer = await _first(server, resource_type, {**parameters, "_summary": "count"}, post=False)
    return _bundle(answer.body, f"{resource_type}, count").total


async def _whole(ask: Callable[[], Awaitable[Answer]], where: str) -> Page:
    """A page that came cut off, or as a proxy's HTML, is asked for again before it is an error."""
    async for attempt in stamina.retry_context(on=NotFhir, attempts=3, wait_max=1):
        with attempt:
            return _page(await ask(), where)
    raise AssertionError("stamina either returns or raises")


async def _first(server: FhirServer, resource_type: str, parameters: Mapping[str, str], post: bool) -> Answer:
    if post:
        return await server.post_search(resource_type, parameters)
    query = str(httpx.QueryParams(parameters))
    return await server.get(f"{server.base}/{resource_type}" + (f"?{query}" if query else ""))


def _page(answer: Answer, where: str) -> Page:
    bundle = _bundle(answer.body, where)
    resources, warnings = [], []
    for entry in bundle.entry:
        body = one_line(bytes(entry.resource))
        if entry.search.mode == "outcome":
            warnings.append(outcome_text(body))
        else:
            resources.append(body)
    following = next((link.url for link in bundle.link if link.relation == "next" and link.url), None)
    return Page(resources, following, answer, warnings, bundle.total)


def _bundle(body: bytes, where: str) -> _Bundle:
    if body.lstrip()[:1] == b"<":
        raise NotFhir(
            "the answer is HTML or XML, not FHIR in JSON", where=where, do="check that this is a FHIR base address"
        )
    try:
        bundle = _decoder.decode(body)
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
