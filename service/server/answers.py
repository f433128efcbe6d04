"""What came over HTTP in, an answer that can be relied on out, or an error of ours that says what the server said."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx
import msgspec

from service.errors import LostRace, NotPermitted, Refused, ServerBusy, TooMuch
from service.server.caps import CAPS


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: httpx.Headers

    @property
    def etag(self) -> str | None:
        value: str | None = self.headers.get("ETag")
        return value


def place(url: str) -> str:
    """An address fit for a message or a log: without ids and without the query, which may hold some."""
    parts = urlsplit(url)
    segments = parts.path.split("/")
    known = [
        segment
        for n, segment in enumerate(segments)
        if not (n and segments[n - 1][:1].isupper()) or segment[:1] in "_$"
    ]
    return f"{parts.scheme}://{parts.netloc}{'/'.join(known)}"


def server_date(answer: Answer) -> dt.datetime | None:
    """The server's clock, from its Date header."""
    try:
        return parsedate_to_datetime(answer.headers["Date"]).astimezone(dt.UTC)
    except (KeyError, ValueError):
        return None


@dataclass(frozen=True)
class Received:
    """An answer as it came, whatever it says."""

    status_code: int
    headers: httpx.Headers
    content: bytes


async def whole_body(response: httpx.Response, url: str) -> bytes:
    """The body, decompressed, as far as it is of a size that anybody means well with."""
    parts, size = [], 0
    async for part in response.aiter_bytes():
        parts.append(part)
        size += len(part)
        came = response.num_bytes_downloaded
        if size > CAPS.body or size > max(CAPS.unsuspicious, came * CAPS.ratio):
            raise TooMuch(
                f"an answer of more than {size:,} bytes, out of {came:,} sent",
                where=place(url),
                do="set a smaller page_size, or ask its owner",
            )
    return b"".join(parts)


def checked(response: Received | httpx.Response, method: str, url: str) -> Answer:
    status = response.status_code
    if status < 300 or status == 304:
        return Answer(status, response.content, response.headers)
    where = f"{method} {place(url)}"
    if status == 401:
        raise NotPermitted(
            "the server wants to know who we are: 401", where=where, do="give this source a valid token", status=401
        )
    if status == 403:
        raise NotPermitted(
            "the server knows us and refuses: 403", where=where, do="ask its owner for this access", status=403
        )
    if status in (429, 503):
        raise _busy(response, where)
    said = outcome_text(response.content)
    if status in (409, 412):
        raise LostRace(f"{status}: {said}", where=where, do="read again and compare", status=status)
    if status < 400:
        raise Refused(f"it redirects: {status}", where=where, do="use the address it redirects to", status=status)
    raise Refused(f"{status}: {said}", where=where, status=status, code=outcome_code(response.content))


def _busy(response: Received | httpx.Response, where: str) -> ServerBusy:
    wait = retry_after(response.headers)
    asked = f"come back in {wait:.0f} s" if wait is not None else "come back later"
    error = ServerBusy(f"{response.status_code}: {asked}", where=where, do=f"{asked}, and run this again")
    error.wait = wait
    return error


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds asked for, from delay-seconds or an HTTP date (RFC 9110, 10.2.3), or in Azure's milliseconds."""
    if (milliseconds := headers.get("x-ms-retry-after-ms", "")).isdigit():
        return int(milliseconds) / 1000
    value = headers.get("Retry-After", "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - dt.datetime.now(dt.UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


_LOGICAL_ID = re.compile(r"\b([A-Z][A-Za-z]+)/[A-Za-z0-9.-]+")


class _Issue(msgspec.Struct):
    severity: str = ""
    code: str = ""
    diagnostics: str = ""
    details: dict[str, object] = {}


class _Outcome(msgspec.Struct):
    resourceType: str = ""
    issue: list[_Issue] = []


def outcome_code(body: bytes) -> str:
    """The issue code of an OperationOutcome; empty for any other body."""
    try:
        outcome = msgspec.json.decode(body, type=_Outcome)
    except msgspec.MsgspecError:
        return ""
    return next((issue.code for issue in outcome.issue), "")


def outcome_text(body: bytes) -> str:
    """What an OperationOutcome says, in one line; for any other body only what it is."""
    try:
        outcome = msgspec.json.decode(body, type=_Outcome)
    except msgspec.MsgspecError:
        return "HTML, not FHIR" if body.lstrip()[:1] == b"<" else "no OperationOutcome came with it"
    said = [issue.diagnostics or str(issue.details.get("text", "")) or issue.code for issue in outcome.issue]
    words = "; ".join(text for text in said if text)[:500] or "no reason given"
    return _LOGICAL_ID.sub(r"\1/...", words)  # these words may reach a log
