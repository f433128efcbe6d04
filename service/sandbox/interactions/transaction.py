"""FHIR transaction and batch: a Bundle of requests in, a Bundle of their responses out.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Request, Response

from service.sandbox.content import parse
from service.sandbox.dates import instant
from service.sandbox.faults import Faults
from service.sandbox.http import Base, Held, JsonBody, Links, fhir_json, is_any, known_type, version_of
from service.sandbox.interactions.patch import JSON_PATCH, patching
from service.sandbox.interactions.search import first_page
from service.sandbox.interactions.update import addressed
from service.sandbox.outcome import Refusal, malformed
from service.sandbox.paging import NextLinks
from service.sandbox.store import Store, Write, Written

router = APIRouter()


class Asked(msgspec.Struct):
    """Bundle.entry.request."""

    method: str
    url: str
    ifMatch: str | None = None
    ifNoneMatch: str | None = None
    ifNoneExist: str | None = None


class Entry(msgspec.Struct):
    """Bundle.entry, as sent."""

    request: Asked
    resource: msgspec.Raw = msgspec.Raw()
    fullUrl: str | None = None


class _Binary(msgspec.Struct):
    contentType: str
    data: bytes


class Sent(msgspec.Struct):
    """The Bundle, as sent."""

    resourceType: str
    type: str
    entry: list[Entry] = []


Answer = dict[str, Any]
Read = Callable[[], Answer]


@router.post("")
def transaction(request: Request, body: JsonBody, store: Held, links: Links, base: Base) -> Response:
    bundle = _parse(body)
    if bundle.type in store.limits.refused:
        raise Refusal(400, "not-supported", f"this server takes no {bundle.type}")
    reader = Reader(store, links, base)
    if bundle.type == "transaction":
        answers = _all_or_nothing(bundle.entry, store, reader)
    else:
        answers = _one_by_one(bundle.entry, store, reader, request.app.state.faults)
    return fhir_json(
        msgspec.json.encode({"resourceType": "Bundle", "type": f"{bundle.type}-response", "entry": answers})
    )


def _parse(body: bytes) -> Sent:
    try:
        bundle = msgspec.json.decode(body, type=Sent)
    except (ValueError, RecursionError) as error:
        raise malformed(f"the body is no Bundle of requests: {error}") from None
    if bundle.resourceType != "Bundle" or bundle.type not in ("transaction", "batch"):
        raise malformed("the body must be a Bundle of type transaction or batch")
    return bundle


class Reader:
    """Answers the GET entries of a Bundle."""

    def __init__(self, store: Store, links: NextLinks, base: str) -> None:
        self._store, self._links, self._base = store, links, base

    def answer(self, request: Asked) -> Answer:
        path, _, query = request.url.partition("?")
        type, *rest = path.split("/")
        known_type(type)
        if not rest:
            return {"resource": msgspec.Raw(self._search(type, query)), "response": {"status": _phrase(200)}}
        version = self._store.read(type, _only(rest, request.url))
        return {"resource": msgspec.Raw(version.body), "response": _response(200, Written(version, created=False))}

    def _search(self, type: str, query: str) -> bytes:
        return first_page(self._store, self._links, self._base, type, parse_qsl(query, keep_blank_values=True))


def _all_or_nothing(entries: list[Entry], store: Store, reader: Reader) -> list[Answer]:
    """Writes first, then reads, as FHIR orders them; a read that would fail refuses the whole beforehand."""
    ids = [str(uuid4()) for _ in entries]
    resolved = zip(_resolved(entries, ids), ids, strict=True)
    with store.lock:
        writes = {
            at: _write(entry, id, store) for at, (entry, id) in enumerate(resolved) if entry.request.method != "GET"
        }
        _check_reads(entries, writes, reader)
        written = dict(zip(writes, store.commit(list(writes.values())), strict=True))
        return [
            _written(writes[at], written[at]) if at in written else reader.answer(entry.request)
            for at, entry in enumerate(entries)
        ]


def _check_reads(entries: list[Entry], writes: dict[int, Write], reader: Reader) -> None:
    """Refuses what cannot be read, unless this transaction writes it; what it deletes cannot be read."""
    written = {f"{write.type}/{write.id}": write.content is not None for write in writes.values()}
    for entry in (entry for at, entry in enumerate(entries) if at not in writes):
        if written.get(entry.request.url) is False:
            raise Refusal(410, "deleted", f"{entry.request.url} is deleted by this transaction")
        if entry.request.url not in written:
            reader.answer(entry.request)


def _one_by_one(entries: list[Entry], store: Store, reader: Reader, faults: Faults) -> list[Answer]:
    """Each entry for itself; a refused one answers with its status and OperationOutcome."""
    return [_alone(entry, store, reader, faults) for entry in entries]


def _alone(entry: Entry, store: Store, reader: Reader, faults: Faults) -> Answer:
    try:
        if fault := faults.about_entry(entry.request.url, bytes(entry.resource)):
            raise Refusal(fault.status, "processing", "a fault that was asked for")
        if entry.request.method == "GET":
            return reader.answer(entry.request)
        with store.lock:
            write = _write(entry, str(uuid4()), store)
            return _written(write, store.commit([write])[0])
    except Refusal as refusal:
        return {"response": {"status": _phrase(refusal.status), "outcome": msgspec.Raw(refusal.outcome)}}


def _resolved(entries: list[Entry], ids: list[str]) -> list[Entry]:
    """References to a POSTed entry's fullUrl (urn:uuid:...) become references to the id that it is given."""
    given = {
        f'"{entry.fullUrl}"'.encode(): f'"{entry.request.url}/{id}"'.encode()
        for entry, id in zip(entries, ids, strict=True)
        if entry.request.method == "POST" and (entry.fullUrl or "").startswith("urn:uuid:")
    }
    return [_with_references(entry, given) for entry in entries]


def _with_references(entry: Entry, given: dict[bytes, bytes]) -> Entry:
    text = bytes(entry.resource)
    for placeholder, reference in given.items():
        text = text.replace(placeholder, reference)
    return msgspec.structs.replace(entry, resource=msgspec.Raw(text))


def _write(entry: Entry, id: str, store: Store) -> Write:
    """The write that an entry asks for; a POST is given this id."""
    request = entry.request
    if request.ifNoneExist is not None or "?" in request.url:
        raise Refusal(400, "not-supported", "this server has no conditional writes; PUT to an id of your own")
    type, *rest = request.url.split("/")
    known_type(type)
    if request.method == "POST" and not rest:
        return Write(type, id, parse(bytes(entry.resource)).of(type), assigned=True)
    return _addressed_write(entry, type, _only(rest, request.url), store)


def _addressed_write(entry: Entry, type: str, id: str, store: Store) -> Write:
    request = entry.request
    match = version_of(request.ifMatch)
    if request.method == "DELETE":
        return Write(type, id, None, match)
    if request.method == "PUT":
        content = addressed(parse(bytes(entry.resource)), type, id)
        return Write(type, id, content, match, is_any(request.ifNoneMatch))
    if request.method == "PATCH":
        return patching(store, type, id, _operations(entry), match)
    raise Refusal(400, "not-supported", f"an entry may GET, POST, PUT, PATCH or DELETE, not {request.method}")


def _operations(entry: Entry) -> bytes:
    """R4 carries a JSON Patch inside a Bundle as a Binary: it is no resource. https://hl7.org/fhir/R4/http.html#patch"""
    try:
        binary = msgspec.json.decode(entry.resource, type=_Binary)
    except ValueError as error:
        raise malformed(f"a PATCH entry holds a Binary with a JSON Patch: {error}") from None
    if binary.contentType != JSON_PATCH:
        raise Refusal(415, "not-supported", f"the Binary must be {JSON_PATCH}")
    return binary.data


def _only(rest: list[str], url: str) -> str:
    """The id of 'Type/id'; longer and shorter addresses are refused."""
    if len(rest) != 1:
        raise Refusal(400, "not-supported", f"an entry's url must be Type/id, not {url!r}")
    return rest[0]


def _written(write: Write, written: Written) -> Answer:
    status = 204 if write.content is None else 201 if written.created else 200
    return {"response": _response(status, written)}


def _response(status: int, written: Written) -> dict[str, str]:
    if written.version is None:
        return {"status": _phrase(status)}
    version = written.version
    place = {"etag": version.etag, "lastModified": instant(version.updated)}
    return {"status": _phrase(status), **({"location": version.location} if version.body else {}), **place}


def _phrase(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}"
