"""`Patient/{id}/$personalization-profile`: a patient in, the profile that counts today out, in one request."""

from __future__ import annotations

from fastapi import APIRouter, Response

from service.facade.http import BASE, Who, shown, valid_id
from service.facade.outcome import not_found
from service.facade.search.query import parse
from service.facade.watched import Watched

router = APIRouter(prefix=BASE, route_class=Watched)


@router.get("/Patient/{id}/$personalization-profile")
@router.post("/Patient/{id}/$personalization-profile")
async def profile(who: Who, id: str) -> Response:
    """The Observation of that patient; 404 where none counts."""
    who.asks("operation", "Observation", "operation=personalization-profile")
    sight = who.sight("Observation", "r")
    query = parse("Observation", [("patient", valid_id(id)), ("_count", "1")])
    found, _ = who.served.shelf.page(query, sight)
    if not found:
        raise not_found()
    who.show(found[0])
    return shown(found[0], who.if_none_match)
