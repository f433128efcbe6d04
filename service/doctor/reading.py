"""What else reading depends on: access, `_lastUpdated`, tags, includes, conditional reads, the clock."""

from __future__ import annotations

import datetime as dt

import msgspec

from service.compose.canonical import INSTALLATION
from service.doctor.findings import Finding
from service.errors import NotPermitted, Refused
from service.server.answers import server_date
from service.server.client import FhirServer, Metadata
from service.server.search import count, pages

NEVER = "ge2999-01-01T00:00:00Z"
SKEW = dt.timedelta(seconds=60)
CONFIGURATION = ".well-known/smart-configuration"


class _Meta(msgspec.Struct):
    versionId: str = ""
    lastUpdated: str = ""


class _Head(msgspec.Struct):
    id: str = ""
    meta: _Meta = msgspec.field(default_factory=_Meta)


async def access(server: FhirServer, metadata: Metadata) -> Finding:  # noqa: ARG001 - the signature of every check
    """Whether a search is let in as this source logs on, and whether SMART is offered."""
    offered = await _offers_smart(server)
    try:
        await count(server, "Patient", {})
    except NotPermitted as error:
        return Finding(
            "access", f"a search for Patient, {_way(server)}", error.what,
            change="register a client (`personalize keys new FILE`) and set client_id and key_file"
            if offered else error.do,
            verdict="bad",
        )  # fmt: skip
    return Finding(
        "access", f"a search for Patient, {_way(server)}", "let in",
        "SMART is offered too" if offered else "", verdict="good",
    )  # fmt: skip


async def _offers_smart(server: FhirServer) -> bool:
    try:
        answer = await server.get(f"{server.base}/{CONFIGURATION}")
    except (NotPermitted, Refused):
        return False
    return b"token_endpoint" in answer.body


def _way(server: FhirServer) -> str:
    source = server.source
    if source.client_id:
        return "by SMART Backend Services"
    if source.username:
        return "with a password"
    return "with a token" if source.token or source.token_file else "without logging on"


async def last_updated(server: FhirServer, metadata: Metadata) -> Finding:  # noqa: ARG001
    """A moment that has not come yet: a server that finds anything then does not look."""
    tried = f"GET /Patient?_lastUpdated={NEVER}&_summary=count"
    head = await _first(server)
    try:
        number = await count(server, "Patient", {"_lastUpdated": NEVER})
    except Refused as error:
        return Finding("_lastUpdated", tried, error.what, "every run reads all", verdict="note")
    stamped = bool(head and head.meta.lastUpdated)
    if number == 0 and (stamped or head is None):
        return Finding("_lastUpdated", tried, "honoured", "what stands there is read again only where it changed")
    seen = "ignored" if number else "honoured, but resources bear no meta.lastUpdated"
    return Finding("_lastUpdated", tried, seen, "every run reads all", "mend it, and runs become shorter", "note")


async def tags(server: FhirServer, metadata: Metadata) -> Finding:  # noqa: ARG001
    """Our own resources are found by their tag."""
    tried = "GET /Observation?_tag=...&_summary=count, with a tag that nobody bears"
    try:
        number = await count(server, "Observation", {"_tag": f"{INSTALLATION}|nobody-at-all"})
    except (NotPermitted, Refused) as error:
        return Finding("_tag", tried, error.what, "what we wrote is found by its ids alone", verdict="note")
    if number:
        return Finding("_tag", tried, "ignored: it finds what bears no such tag", verdict="bad")
    return Finding("_tag", tried, "honoured", "what we wrote is found by it")


async def includes(server: FhirServer, metadata: Metadata) -> Finding:  # noqa: ARG001
    tried = "GET /Observation?_revinclude=Provenance:target&_count=1"
    try:
        async for _ in pages(server, "Observation", {"_revinclude": "Provenance:target", "_count": "1"}):
            break
    except (NotPermitted, Refused) as error:
        return Finding(
            "_revinclude", tried, error.what, "apps ask for the Provenance in a request of its own", verdict="note"
        )
    return Finding(
        "_revinclude", tried, "taken", "apps may have profile and Provenance in one request; we never rely on it"
    )


async def conditional(server: FhirServer, metadata: Metadata) -> Finding:  # noqa: ARG001
    head = await _first(server)
    if head is None:
        return Finding("versions", "the first Patient", "there is none", verdict="note")
    answer = await server.read(f"Patient/{head.id}")
    etag = answer.etag if answer else None
    if etag or head.meta.versionId:
        return Finding("versions", "GET /Patient/...", "it names its versions", "updates are sent under If-Match")
    return Finding(
        "versions", "GET /Patient/...", "neither ETag nor meta.versionId",
        "Patients are never changed there: a change in between could be lost", "turn versioning on", "bad",
    )  # fmt: skip


async def clock(server: FhirServer, metadata: Metadata) -> Finding:  # noqa: ARG001
    theirs = server_date(metadata.answer)
    if theirs is None:
        return Finding("clock", "Date of GET /metadata", "it tells no time", "ours is used", verdict="note")
    off = theirs - dt.datetime.now(dt.UTC)
    seen = f"{abs(off.total_seconds()):.0f} s {'ahead of' if off > dt.timedelta() else 'behind'} this machine's"
    if abs(off) < SKEW:
        return Finding("clock", "Date of GET /metadata", seen, "its clock decides where a run ends")
    return Finding(
        "clock", "Date of GET /metadata", seen, "its clock decides", "set one of the two clocks right", "note"
    )


async def _first(server: FhirServer) -> _Head | None:
    async for page in pages(server, "Patient", {"_count": "1"}):
        return msgspec.json.decode(page.resources[0], type=_Head) if page.resources else None
    return None
