"""Bulk Data: kick-off, status, files and the end of an export. https://hl7.org/fhir/uv/bulkdata/STU2/export.html"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from email.utils import formatdate
from time import time
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import StreamingResponse

from service.sandbox.export_order import NDJSON, Habits, Level, ordered
from service.sandbox.exports import Exports, lines, manifest
from service.sandbox.http import Base, Held, JsonBody, valid_id
from service.sandbox.outcome import Refusal, malformed

HELD_FOR = 3600.0

router = APIRouter()


async def _habits(request: Request) -> Habits:
    habits: Habits = request.app.state.faults.plan.bulk
    return habits


async def _exports(request: Request) -> Exports:
    exports: Exports = request.app.state.exports
    return exports


Way = Annotated[Habits, Depends(_habits)]
Running = Annotated[Exports, Depends(_exports)]


@router.get("/$export")
def of_the_system(request: Request, store: Held, base: Base, habits: Way, exports: Running) -> Response:
    return _begun(request, store, base, habits, exports, "system", request.query_params.multi_items())


@router.get("/Patient/$export")
def of_patients(request: Request, store: Held, base: Base, habits: Way, exports: Running) -> Response:
    return _begun(request, store, base, habits, exports, "Patient", request.query_params.multi_items())


@router.get("/Group/{id}/$export")
def of_a_group(id: str, request: Request, store: Held, base: Base, habits: Way, exports: Running) -> Response:
    return _begun(request, store, base, habits, exports, "Group", request.query_params.multi_items(), id)


@router.post("/Patient/$export")
def of_some_patients(
    request: Request, store: Held, base: Base, habits: Way, exports: Running, body: JsonBody
) -> Response:
    return _begun(request, store, base, habits, exports, "Patient", _parameters(body))


@router.post("/Group/{id}/$export")
def of_some_members(
    id: str, request: Request, store: Held, base: Base, habits: Way, exports: Running, body: JsonBody
) -> Response:
    return _begun(request, store, base, habits, exports, "Group", _parameters(body), id)


def _begun(
    request: Request,
    store: Held,
    base: str,
    habits: Habits,
    exports: Exports,
    level: Level,
    asked: list[tuple[str, str]],
    group: str = "",
) -> Response:
    _let_in(request, habits)
    if level not in habits.at:
        raise Refusal(404, "not-supported", f"this server has no $export at {level} level")
    preferences = {part.strip() for part in request.headers.get("prefer", "").replace(";", ",").split(",")}
    if "respond-async" not in preferences:
        raise malformed("an export is asynchronous: send Prefer: respond-async")
    if group:
        store.read("Group", valid_id(group))
    order = ordered(level, str(request.url), asked, habits, lenient="handling=lenient" in preferences)
    key = exports.begin(store, replace(order, group=group), habits)
    where = f"/fhir/bulk/{key}" if habits.relative else f"{base}/bulk/{key}"
    return Response(status_code=202, headers={"Content-Location": where} if habits.location else None)


def _let_in(request: Request, habits: Habits) -> None:
    if habits.token and request.headers.get("authorization") != f"Bearer {habits.token}":
        raise Refusal(401, "login", "this server wants a token")


def _parameters(body: bytes) -> list[tuple[str, str]]:
    """A Parameters resource; a Patient is named by reference."""
    try:
        entries: list[dict[str, Any]] = msgspec.json.decode(body)["parameter"]
        return [(each["name"], _value(each)) for each in entries]
    except (msgspec.MsgspecError, KeyError, TypeError, StopIteration):
        raise malformed("the body is no Parameters resource") from None


def _value(parameter: dict[str, Any]) -> str:
    value = next(value for name, value in parameter.items() if name.startswith("value"))
    return str(value["reference"] if isinstance(value, dict) else value)


@router.get("/bulk/{key}")
def status(key: str, request: Request, base: Base, habits: Way, exports: Running) -> Response:
    _let_in(request, habits)
    export = exports.poll(key)
    if export is None:
        waiting = {"X-Progress": "reading what was asked for"}
        if habits.retry_after is not None:
            waiting["Retry-After"] = habits.retry_after
        return Response(status_code=202, headers=waiting)
    headers = {"Expires": formatdate(time() + HELD_FOR, usegmt=True)}
    place = "/fhir" if habits.relative else base
    return Response(manifest(export, key, place, habits), headers=headers, media_type="application/json")


@router.delete("/bulk/{key}")
def end(key: str, request: Request, habits: Way, exports: Running) -> Response:
    _let_in(request, habits)
    exports.end(key)
    return Response(status_code=202)


@router.get("/bulk/{key}/{number}.ndjson")
def file(key: str, number: int, request: Request, store: Held, habits: Way, exports: Running) -> Response:
    """Where no token is required, one that is sent all the same is refused, as stores of files do."""
    if habits.requires_access_token:
        _let_in(request, habits)
    elif "authorization" in request.headers:
        raise Refusal(400, "security", "this address takes no Authorization")
    if habits.signed and request.query_params.get("signed") != exports.get(key).signature:
        raise Refusal(403, "expired", "this address is no longer signed")
    told = lines(store, exports.download(key, number), habits)
    if habits.gzip and "gzip" in request.headers.get("accept-encoding", ""):
        return StreamingResponse(_gzipped(told), media_type=NDJSON, headers={"Content-Encoding": "gzip"})
    return StreamingResponse(told, media_type=NDJSON)


def _gzipped(parts: Iterable[bytes]) -> Iterator[bytes]:
    packing = zlib.compressobj(1, wbits=31)
    yield from (packed for part in parts if (packed := packing.compress(part)))
    yield packing.flush()
