"""FHIR search by GET and POST, and its pages: parameters in, a searchset out. https://hl7.org/fhir/R4/http.html#search"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from service.sandbox.http import Base, Form, Held, Links, Type, fhir_json
from service.sandbox.outcome import Refusal, malformed
from service.sandbox.paging import NextLinks, Page, searchset
from service.sandbox.search import find, parse
from service.sandbox.store import Store

router = APIRouter()


@router.get("")
def next_page(
    request: Request, store: Held, links: Links, base: Base, token: Annotated[str, Query(alias="_getpages")] = ""
) -> Response:
    if not token:
        raise Refusal(400, "not-supported", "this server has no search across types; name one, as in /Patient")
    return _page(request, store, links, base, token)


@router.get("/_page/{token}")
def page_below(request: Request, store: Held, links: Links, base: Base, token: str) -> Response:
    """Where servers page that keep a path of their own for it."""
    return _page(request, store, links, base, token)


def _page(request: Request, store: Store, links: NextLinks, base: str, token: str) -> Response:
    if not links.habits.intact(request.url.query):
        raise malformed("this link is not as it was given")
    return fhir_json(searchset(store, links, base, str(request.url), links.page(token)))


@router.get("/{type}")
def search(type: Type, request: Request, store: Held, links: Links, base: Base) -> Response:
    return fhir_json(first_page(store, links, base, type, request.query_params.multi_items()))


@router.post("/{type}/_search")
def search_by_post(type: Type, request: Request, form: Form, store: Held, links: Links, base: Base) -> Response:
    return fhir_json(first_page(store, links, base, type, request.query_params.multi_items() + form))


def first_page(store: Store, links: NextLinks, base: str, type: str, pairs: list[tuple[str, str]]) -> bytes:
    query = parse(type, pairs)
    self_url = f"{base}/{type}?{urlencode(pairs)}" if pairs else f"{base}/{type}"
    return searchset(store, links, base, self_url, Page.first(query, find(store, query), links.habits))
