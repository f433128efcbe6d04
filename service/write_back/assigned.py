"""A server that gives ids itself in, the same server spoken to by our own names out.

What we call `Observation/panel-...` it keeps under an id of its own. Our name goes with each resource as a tag (and as
its identifier where it has one), so it is found again by a search, whatever this lake remembers. Before the first
create it is searched for, after it too: of two that were made in one moment the older stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from service.catalog import Catalog
from service.compose.canonical import INSTALLATION, PROFILE_IDENTIFIER
from service.compose.content import Json
from service.errors import LostRace, NotFhir, ServerProblem, Unreachable
from service.server.answers import Answer
from service.server.capability import Capability
from service.server.client import FhirServer
from service.server.search import pages
from service.write_back.manner import GIVES_IDS, Found
from service.write_back.patient import Borne, bearing, borne
from service.write_back.standing import head

_tree = msgspec.json.Decoder(Json, float_hook=Decimal)
_any = msgspec.json.Decoder(float_hook=Decimal)
_text = msgspec.json.Encoder(decimal_format="number")


def by_our_names(
    server: FhirServer, catalog: Catalog, installation: str, capability: Capability | None = None
) -> AssignedIds:
    return AssignedIds(server, Names(catalog, server.source.id, server.base), installation, capability)


def known_by_our_names(server: FhirServer, catalog: Catalog, installation: str) -> FhirServer:
    """For what asks for no statement: a server that was seen to give ids is spoken to by our names."""
    source, base = server.source.id, server.base
    gives_ids = catalog.named(source, base) or GIVES_IDS in Found(catalog, source, base).out()
    return by_our_names(server, catalog, installation) if gives_ids else server


Rename = Callable[[str], str | None]


class Names:
    """Our names and the server's, both ways; kept in the catalog, of which each may be lost."""

    def __init__(self, catalog: Catalog, source: str, base: str) -> None:
        self._catalog, self._source, self._base = catalog, source, base
        self._theirs = catalog.named(source, base)
        self._ours = {theirs: ours for ours, theirs in self._theirs.items()}

    def theirs(self, ours: str) -> str | None:
        return self._theirs.get(ours)

    def ours(self, theirs: str) -> str | None:
        return self._ours.get(theirs)

    def keep(self, ours: str, theirs: str) -> None:
        if self._theirs.get(ours) != theirs:
            self._theirs[ours], self._ours[theirs] = theirs, ours
            self._catalog.name(self._source, self._base, ours, theirs)

    def forget(self, ours: str) -> None:
        if theirs := self._theirs.pop(ours, None):
            self._ours.pop(theirs, None)
            self._catalog.name(self._source, self._base, ours, None)


class AssignedIds(FhirServer):
    """Reads and writes by our names; everything else is the server's."""

    def __init__(self, server: FhirServer, names: Names, installation: str, capability: Capability | None) -> None:
        vars(self).update(vars(server))  # the same connection, and the same pace
        self._names, self._installation, self._capability = names, installation, capability

    async def read(self, reference: str) -> Answer | None:
        theirs = await self.their_name(reference)
        answer = await super().read(theirs) if theirs else None
        if answer is None:
            self._names.forget(reference)
            return None
        return Answer(answer.status, self.named_by_us(answer.body), answer.headers)

    async def write(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        if method == "PATCH":
            operations = _renamed(_any.decode(body), self._names.theirs)
            return await super().write(method, path, _text.encode(operations), headers)
        if not path or path.startswith("Patient/"):
            return await super().write(method, path, self._named_by_them(body), headers)
        theirs = await self.their_name(path)
        if theirs is None and method == "PUT":
            return await self._created(path, body)
        if theirs is None or (headers or {}).get("If-None-Match"):
            raise LostRace("it is there already" if theirs else "it is not there", where=self.base, status=412)
        answer = await super().write(method, theirs, self._named_by_them(body), headers)
        if method == "DELETE":
            self._names.forget(path)
        return answer

    async def their_name(self, reference: str) -> str | None:
        if reference.startswith("Patient/"):
            return reference
        known = self._names.theirs(reference)
        if known is None and (found := await self._found(reference)):
            known = found[0]
            self._names.keep(reference, known)
        return known

    async def _found(self, reference: str) -> list[str]:
        """What bears our name, the oldest first."""
        resource_type, _, name = reference.partition("/")
        found = []
        async for page in pages(self, resource_type, self._criteria(resource_type, name)):
            for body in page.resources:
                named = head(body)
                if named.bears(self._installation) and _name(_tree.decode(body)) == name:
                    found.append((named.meta.lastUpdated or "", f"{resource_type}/{named.id}"))
        return [theirs for _, theirs in sorted(found)]

    def _criteria(self, resource_type: str, name: str) -> dict[str, str]:
        """A Provenance has no identifier, and that of a Device is the installation's."""
        if resource_type == "Provenance":
            return {"_tag": f"{PROFILE_IDENTIFIER}|{name}"}
        system, value = (INSTALLATION, self._installation) if resource_type == "Device" else (PROFILE_IDENTIFIER, name)
        return {"identifier": f"{system}|{value}"}

    async def _created(self, reference: str, body: bytes) -> Answer:
        resource_type, _, name = reference.partition("/")
        answer = await super().write(
            "POST", resource_type, self._named_by_them(body), self._if_none_exist(resource_type, name)
        )
        if answer.status == 200:
            raise LostRace("it was there already", where=self.base, status=412)
        theirs = _location(answer, resource_type)
        await self._alone(reference, theirs)
        self._names.keep(reference, theirs)
        return answer

    def _if_none_exist(self, resource_type: str, name: str) -> dict[str, str]:
        """Where the server has it and the identifier is this resource's alone."""
        stated = self._capability is not None and self._capability.of(resource_type).conditional_create
        if not stated or resource_type in ("Device", "Provenance"):
            return {}
        return {"If-None-Exist": f"identifier={PROFILE_IDENTIFIER}|{name}"}

    async def _alone(self, reference: str, made: str) -> None:
        """Two that searched in the same moment both found nothing; both find the two afterwards, and keep the older."""
        try:
            found = await self._found(reference)
        except ServerProblem as error:
            # Made it was, whatever this says: so the create is read again, and not taken for refused.
            raise Unreachable(f"made, and not seen since: {error.what}", where=self.base) from error
        if found and found[0] != made:
            await super().write("DELETE", made)
            self._names.keep(reference, found[0])
            raise LostRace("another one was made in the same moment", where=self.base, status=409)

    def named_by_us(self, body: bytes) -> bytes:
        """A resource as this server holds it, by our names; their ids are learned on the way."""
        resource = _tree.decode(body)
        if resource.get("resourceType") == "Patient":
            return self._on_patient(body, self._names.ours)
        name = _name(resource)
        if name is None:
            return body
        resource_type = resource["resourceType"]
        self._names.keep(f"{resource_type}/{name}", f"{resource_type}/{resource['id']}")
        resource = _renamed(resource, self._names.ours) | {"id": name}
        resource["meta"]["tag"] = [tag for tag in resource["meta"]["tag"] if tag.get("system") != PROFILE_IDENTIFIER]
        return _text.encode(_itself_by_reference(resource, f"{resource_type}/{name}"))

    def _named_by_them(self, body: bytes) -> bytes:
        if not body:
            return body
        resource = _tree.decode(body)
        if resource.get("resourceType") == "Patient":
            return self._on_patient(body, self._names.theirs)
        name = resource["id"]
        resource = _itself_by_name(resource, f"{resource['resourceType']}/{name}")
        resource = _renamed(resource, self._names.theirs)
        theirs = self._names.theirs(f"{resource['resourceType']}/{name}")
        resource = resource | {"id": theirs.partition("/")[2]} if theirs else _without_id(resource)
        meta = resource["meta"]
        meta = meta | {"tag": [*meta.get("tag", []), {"system": PROFILE_IDENTIFIER, "code": name}]}
        return _text.encode(resource | {"meta": meta})

    def _on_patient(self, body: bytes, names: Rename) -> bytes:
        """Only in our own extension: the rest of a Patient is carried over as it came."""
        bears = borne(body)
        if bears is None:
            return body
        renamed = _text.encode(_renamed(_tree.decode(bears.extension), names))
        return bearing(body, Borne(bears.at, msgspec.Raw(renamed)))


def _name(resource: Json) -> str | None:
    tags = (resource.get("meta") or {}).get("tag", [])
    return next((tag.get("code") for tag in tags if tag.get("system") == PROFILE_IDENTIFIER), None)


def _location(answer: Answer, resource_type: str) -> str:
    where = answer.headers.get("Location", "").partition("/_history/")[0]
    if where:
        return f"{resource_type}/{where.rpartition(f'{resource_type}/')[2]}"
    try:
        return f"{resource_type}/{head(answer.body).id}"
    except msgspec.MsgspecError as error:
        raise NotFhir("the server does not say under which id it keeps what it took") from error


def _renamed(element: Any, names: Rename) -> Any:
    """Every Reference to one of ours, by the other's name."""
    if isinstance(element, list):
        return [_renamed(each, names) for each in element]
    if not isinstance(element, dict):
        return element
    renamed = {key: _renamed(value, names) for key, value in element.items()}
    reference = element.get("reference")
    if isinstance(reference, str) and (other := names(reference)):
        renamed["reference"] = other
    return renamed


def _itself_by_name(resource: Json, itself: str) -> Json:
    """A panel names itself in its extension; before it has an id only its identifier can say so."""
    named = {"identifier": {"system": PROFILE_IDENTIFIER, "value": itself.partition("/")[2]}}
    changed: Json = _exchanged(resource, {"reference": itself}, named)
    return changed


def _itself_by_reference(resource: Json, itself: str) -> Json:
    named = {"identifier": {"system": PROFILE_IDENTIFIER, "value": itself.partition("/")[2]}}
    changed: Json = _exchanged(resource, named, {"reference": itself})
    return changed


def _exchanged(element: Any, one: Json, other: Json) -> Any:
    if element == one:
        return other
    if isinstance(element, list):
        return [_exchanged(each, one, other) for each in element]
    if isinstance(element, dict):
        return {key: _exchanged(value, one, other) for key, value in element.items()}
    return element


def _without_id(resource: Json) -> Json:
    return {key: value for key, value in resource.items() if key != "id"}
