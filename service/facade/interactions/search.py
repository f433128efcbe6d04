"""FHIR search by GET and POST, and its pages: parameters in, a searchset out. https://hl7.org/fhir/R4/http.html#search

These are plain functions, which FastAPI gives a thread: a search may take a while, and a read shall not wait for it.
"""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from service.facade.http import BASE, Asker, Form, Who, fhir_json, known_type
from service.facade.paging import opened, sealed, searchset
from service.facade.search.condition import Condition
from service.facade.search.query import Pairs, Query, parse
from service.facade.store.shelf import Place, Record, Shelf
from service.facade.watched import Watched

PAGE = "_page"
NOT_INCLUDED = "Provenance was not included: the token's scope does not cover it"

router = APIRouter(prefix=BASE, route_class=Watched)


@router.get("/{type}")
def search(who: Who, type: str, request: Request) -> Response:
    """Resources of a type that meet every parameter; `_page` is what a next link holds."""
    type, pairs = known_type(type), request.query_params.multi_items()
    if [name for name, _ in pairs] == [PAGE]:
        question = opened(who.served.shelf_of(type).about, type, pairs[0][1])
        return _answered(who, parse(type, question.pairs), question.place)
    return _answered(who, parse(type, pairs))


@router.post("/{type}/_search")
def search_by_post(who: Who, type: str, request: Request, form: Form) -> Response:
    """As by GET; what is asked for stays out of addresses and their logs."""
    return _answered(who, parse(known_type(type), [*request.query_params.multi_items(), *form]))


def _answered(who: Asker, query: Query, after: Place | None = None) -> Response:
    who.asks("search-type", query.type, urlencode(query.pairs))
    sight, shelf = who.sight(query.type, "s"), who.served.shelf_of(query.type)
    links = {"self": _self_link(who.served.base, query.type, query.pairs)}
    if query.counted_only:
        return fhir_json(searchset(who.served.base, links, shelf.count(query, sight), ()))
    found, place = shelf.page(query, sight, after)
    if place:
        links["next"] = f"{who.served.base}/{query.type}?{PAGE}={sealed(shelf.about, query, place)}"
    total = _total(shelf, query, sight, found, whole=after is None and place is None)
    included, warning = _included(who, shelf, query, found)
    for each in (*found, *included):
        who.show(each)
    return fhir_json(searchset(who.served.base, links, total, found, included, warning))


def _self_link(base: str, type: str, pairs: Pairs) -> str:
    return f"{base}/{type}?{urlencode(pairs)}" if pairs else f"{base}/{type}"


def _total(shelf: Shelf, query: Query, sight: Condition, found: list[Record], *, whole: bool) -> int | None:
    """Known at once where one page is all; counted, which takes a while, where it was asked for."""
    if whole:
        return len(found)
    return shelf.count(query, sight) if query.total else None


def _included(who: Asker, shelf: Shelf, query: Query, found: list[Record]) -> tuple[list[Record], str]:
    """An include is a search of another type, and needs the scope for that."""
    if not query.provenance:
        return [], ""
    if not who.grant.may("Provenance", "s"):
        return [], NOT_INCLUDED
    return shelf.about_these([each.reference for each in found], who.sight("Provenance", "s")), ""
