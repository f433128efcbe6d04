"""`Patient/{id}/$personalization-profile`: a patient in, the profile that counts today out, in one request."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from service.facade.http import BASE, asker, part, shown, valid_id
from service.facade.outcome import not_found
from service.facade.watched import Watched

router = APIRouter(prefix=BASE, route_class=Watched)


@router.get("/Patient/{id}/$personalization-profile")
@router.post("/Patient/{id}/$personalization-profile")
async def profile(request: Request) -> Response:
    """The Observation of that patient; 404 where none counts."""
    who = await asker(request)
    who.asks("operation", "Observation", "operation=personalization-profile")
    sight = who.sight("Observation", "r")
    found = await who.served.profiles.profile(f"Patient/{valid_id(part(request, 'id'))}", sight)
    if found is None:
        raise not_found()
    who.show(found)
    return shown(found, who.if_none_match)
