"""An order in, a finished export's manifest out: begun, asked after until it is done, ended on the server.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html and the Asynchronous Request Pattern of R4.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import msgspec
import structlog

from service.errors import NotFhir, NotPermitted, Refused, ServerBusy, ServerProblem, Unreachable, WrongUsage
from service.server.answers import Answer, outcome_code, place, retry_after
from service.server.client import FHIR_JSON, LONGEST_WAIT, FhirServer
from service.server.egress import of_export

NDJSON = "application/fhir+ndjson"
# Issue codes of https://hl7.org/fhir/R4/valueset-issue-type.html that say: the same question may be answered later.
TRANSIENT = ("transient", "lock-error", "no-store", "timeout", "incomplete", "throttled")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
FIRST_WAIT, LOOPBACK_FIRST_WAIT, LONGEST_BACKOFF = 1.0, 0.05, 60.0
KICK_OFF_ATTEMPTS = 4
STATUS_FAILURES = 10  # in a row, before an export counts as lost
EXPIRED = (403, 404, 410)

Say = Callable[[str], None]
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Order:
    """What to export. `level` is Patient, Group/[id], or empty for the whole system; `since` an instant with its zone.

    `filters` are queries such as `Encounter?status=finished`; `patients` are ids, sent by POST.
    """

    level: str
    types: tuple[str, ...]
    since: str | None = None
    filters: tuple[str, ...] = ()
    patients: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.patients and not self.level:
            raise ValueError("patients have no place in an export of the whole system")
        if self.since and not INSTANT.fullmatch(self.since):
            raise ValueError(f"{self.since!r} is no instant with its zone")

    @property
    def path(self) -> str:
        return f"{self.level}/$export".lstrip("/")

    def parameters(self) -> dict[str, tuple[str, ...]]:
        """By name what stands there joined by commas; one of each name, for Oracle refuses a repeated `_type`."""
        said = {"_type": self.types, "_since": (self.since,) if self.since else (), "_typeFilter": self.filters}
        return {name: values for name, values in said.items() if values}


class Item(msgspec.Struct, frozen=True):
    """A file of the manifest; `url` is checked already."""

    url: str
    type: str = ""
    count: int | None = None


class Manifest(msgspec.Struct, frozen=True):
    """A finished export. `expires` is when its files may go, where the server says so."""

    transactionTime: str
    output: list[Item]
    requiresAccessToken: bool = True
    deleted: list[Item] = []
    error: list[Item] = []
    request: str = ""
    expires: str | None = None


async def begin(server: FhirServer, order: Order, say: Say) -> str:
    """The address at which to ask after it. What the server does not take of the order is left out, and said."""
    if server.base.startswith("http:") and not server.loopback:
        raise WrongUsage("an export is asked for over https only", where=server.base, do="name its https address")
    where = f"{server.base}/{order.path}"
    for attempt, lenient in _easier(order):
        try:
            answer = await _kick_off(server, where, attempt, lenient)
        except Refused as error:
            if not 400 <= error.status < 500 or (lenient and not _optional(attempt)):
                raise
            say(f"{order.path} was refused ({error.what}); asked again for less")
            continue
        if lenient:
            say("the server was asked to ignore what it does not support, and may have: nothing relies on it")
        return _location(server, answer, where)
    raise AssertionError("the last of them is raised")


def _easier(order: Order) -> Iterator[tuple[Order, bool]]:
    """As it is; leniently; and then without what the server may not know. `_since` goes last: it saves the most."""
    yield order, False
    yield order, True
    if order.filters:
        yield replace(order, filters=()), True
    if order.since:
        yield replace(order, filters=(), since=None), True


def _optional(order: Order) -> bool:
    return bool(order.filters or order.since)


async def _kick_off(server: FhirServer, where: str, order: Order, lenient: bool) -> Answer:
    """Not tried again after a lost answer: nobody could end what was begun. `429` began nothing."""
    headers = {"Accept": FHIR_JSON, "Prefer": "respond-async" + (", handling=lenient" if lenient else "")}
    method, url, body = _as_request(where, order)
    if body:
        headers["Content-Type"] = FHIR_JSON
    for attempt in range(KICK_OFF_ATTEMPTS):
        try:
            return await server.once(method, url, headers, body)
        except ServerBusy as busy:
            if attempt == KICK_OFF_ATTEMPTS - 1 or (busy.wait or 0) > LONGEST_WAIT:
                raise
            await asyncio.sleep(_pause(server, busy.wait, FIRST_WAIT * 2**attempt))
    raise AssertionError("the last of them is raised")


def _as_request(where: str, order: Order) -> tuple[str, str, bytes]:
    parameters = order.parameters()
    if not order.patients:
        return "GET", f"{where}?{_query(parameters)}" if parameters else where, b""
    entries: list[dict[str, object]] = [{"name": name, **_typed(name, values)} for name, values in parameters.items()]
    entries += [{"name": "patient", "valueReference": {"reference": f"Patient/{each}"}} for each in order.patients]
    return "POST", where, msgspec.json.encode({"resourceType": "Parameters", "parameter": entries})


def _typed(name: str, values: tuple[str, ...]) -> dict[str, object]:
    return {"valueInstant" if name == "_since" else "valueString": ",".join(values)}


def _query(parameters: dict[str, tuple[str, ...]]) -> str:
    """Every value encoded by itself, joined by plain commas, as _typeFilter wants it."""
    joined = {name: ",".join(quote(value, safe="") for value in values) for name, values in parameters.items()}
    return "&".join(f"{name}={values}" for name, values in joined.items())


def _location(server: FhirServer, answer: Answer, where: str) -> str:
    location = answer.headers.get("Content-Location", "")
    if answer.status != 202 or not location:
        raise NotFhir(
            f"an export was asked for, and the answer was {answer.status} "
            + ("without Content-Location" if not location else "instead of 202"),
            where=place(where),
            do='set pull = "search" for this source',
        )
    return of_export(server.base, location, server.source.bulk_origins)


async def finished(server: FhirServer, status: str, sleep: Sleep = asyncio.sleep) -> Manifest:
    """Asks until it is done, as often as the server wishes, else less and less often. `Refused` when it failed."""
    wait = LOOPBACK_FIRST_WAIT if server.loopback else FIRST_WAIT
    failures = 0
    while True:
        asked: float | None = None
        try:
            answer = await server.once("GET", status, {"Accept": "application/json"})
        except ServerProblem as error:
            failures += 1
            if failures > STATUS_FAILURES or not _passing(error):
                raise
            asked = error.wait if isinstance(error, ServerBusy) else None
        else:
            if answer.status != 202:
                return _manifest(server, answer, status)
            failures, asked = 0, retry_after(answer.headers)
            _progress(answer)
        await sleep(_pause(server, asked, wait))
        wait = min(wait * 2, LONGEST_BACKOFF)


def _pause(server: FhirServer, asked: float | None, backoff: float) -> float:
    """What was asked for, within ten minutes; on this machine nobody is spared by waiting (HAPI says 120 s)."""
    if asked is None:
        return backoff
    return min(asked, backoff if server.loopback else LONGEST_WAIT)


def _passing(error: ServerProblem) -> bool:
    """Whether the question may be answered later: a transient issue, an overload, a lost connection."""
    return isinstance(error, ServerBusy | Unreachable) or (isinstance(error, Refused) and error.code in TRANSIENT)


def _progress(answer: Answer) -> None:
    """Free text: shown, and nothing more."""
    if told := answer.headers.get("X-Progress"):
        structlog.get_logger().info("export under way", progress=told[:100])


def _manifest(server: FhirServer, answer: Answer, status: str) -> Manifest:
    where = place(status)
    try:
        told = msgspec.json.decode(answer.body, type=Manifest)
        moment = dt.datetime.fromisoformat(told.transactionTime)
    except (msgspec.MsgspecError, ValueError) as error:
        why = outcome_code(answer.body) or str(error)
        raise NotFhir(
            f"the finished export has no manifest: {why}", where=where, do="ask the server's owner"
        ) from error
    if moment.tzinfo is None:
        raise NotFhir("transactionTime has no zone", where=where, do="ask the server's owner")
    kinds = {kind: _checked(server, getattr(told, kind)) for kind in ("output", "deleted", "error")}
    return msgspec.structs.replace(told, **kinds, expires=_expires(answer))


def _checked(server: FhirServer, items: list[Item]) -> list[Item]:
    origins = server.source.bulk_origins
    return [msgspec.structs.replace(each, url=of_export(server.base, each.url, origins)) for each in items]


def _expires(answer: Answer) -> str | None:
    try:
        return parsedate_to_datetime(answer.headers["Expires"]).isoformat()
    except (KeyError, ValueError, TypeError):
        return None


async def end(server: FhirServer, status: str) -> None:
    """Cancelled, or its files no longer needed. That it cannot be ended is no reason to fail: it expires by itself."""
    try:
        await server.once("DELETE", status, {"Accept": "application/json"})
    except (Refused, NotPermitted, Unreachable, ServerBusy) as error:
        structlog.get_logger().info("the export could not be ended on the server", reason=error.what)


def expired(error: ServerProblem) -> bool:
    """Whether a file's address leads nowhere any more."""
    return isinstance(error, Refused | NotPermitted) and error.status in EXPIRED
