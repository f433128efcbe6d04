"""Requests to one FHIR server in, checked answers out. All of the service's traffic to a source goes through here."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType

import httpx
import msgspec
import stamina
from httpcore._async.http11 import AsyncHTTP11Connection

from service import __version__
from service.errors import NotFhir, PagingBroken, Refused, ServerBusy, Unreachable
from service.server.answers import Answer, Received, checked, place, server_date, whole_body
from service.server.auth import auth_of
from service.server.capability import Capability, read_capability
from service.server.egress import Pinned, certificates, loopback_address
from service.server.pace import Pace
from service.server.stated import Stated, Statements
from service.settings import Source

FHIR_JSON = "application/fhir+json"
UNCONFIGURED_IN_FLIGHT = 2
LONGEST_WAIT = 600.0
READ_ATTEMPTS = 4
WHOLE_ATTEMPTS = 3

# What asyncio takes from a socket at once comes in one piece then: in httpcore's pieces of 64 KiB, each of which costs
# it some 70 microseconds, a pull of pages of 1 MB takes a tenth longer.
AsyncHTTP11Connection.READ_NUM_BYTES = 256 * 1024

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_parsed = lru_cache(maxsize=64)(httpx.URL)  # a base is written to again and again; to take it apart takes httpx a while


@dataclass(frozen=True)
class Metadata:
    """What the server states, and the answer that said so (its headers tell the server's clock)."""

    capability: Capability
    answer: Answer


class FhirServer:
    """One source over HTTP; `async with FhirServer(source) as server`.

    Every failure is an error of `service.errors`. Reads are tried again after a lost connection, 429 and 5xx; writes
    never are: what happened to them is unknown, and only who sent them knows what to read.
    """

    def __init__(self, source: Source, statements: Statements | None = None) -> None:
        self.source = source
        self._statements = statements or Statements()
        self.base = source.url
        self._pinned = loopback_address(source.url)
        self.loopback = self._pinned is not None
        own = self.loopback or source.configured
        self.in_flight = source.in_flight if own else min(source.in_flight, UNCONFIGURED_IN_FLIGHT)
        self._pace = Pace(self.in_flight, a_second=source.requests_per_second)

    async def __aenter__(self) -> FhirServer:
        headers = {"Accept": FHIR_JSON, "User-Agent": f"fhir-personalization/{__version__}"}
        self._http = httpx.AsyncClient(
            auth=auth_of(self.source, loopback=self.loopback),
            headers=headers,
            timeout=httpx.Timeout(60, connect=10),
            verify=certificates(),
            transport=Pinned(self._pinned) if self._pinned else None,
            follow_redirects=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def metadata(self) -> Metadata:
        answer = await self.get(f"{self.base}/metadata")
        return Metadata(read_capability(answer.body, self.base), answer)

    async def stated(self) -> Stated:
        """As it was told a little while ago, where that is remembered."""
        if (kept := self._statements.of(self.base)) is None:
            metadata, ours = await self.metadata(), dt.datetime.now(dt.UTC)
            kept = Stated(metadata.capability, (server_date(metadata.answer) or ours) - ours)
            self._statements.keep(self.base, kept)
        return kept

    @property
    def bases(self) -> tuple[str, ...]:
        """The addresses under which records are this server's: what its owner told, and itself where it was asked."""
        stated = self._statements.of(self.base)
        return self.source.bases + ((stated.capability.base,) if stated else ())

    async def get(self, url: str) -> Answer:
        return await self._read("GET", url)

    async def post_search(self, resource_type: str, parameters: Mapping[str, str | Sequence[str]]) -> Answer:
        """Search by POST, so that patients' ids stay out of URLs and access logs."""
        form = httpx.QueryParams(dict(parameters))
        return await self._read("POST", f"{self.base}/{resource_type}/_search", str(form).encode())

    async def read(self, reference: str) -> Answer | None:
        """The resource at `Type/id`, whole; None when it is not there or deleted."""
        async for attempt in whole_tries():
            with attempt:
                return await self._resource(reference)
        raise AssertionError("stamina either returns or raises")

    async def _resource(self, reference: str) -> Answer | None:
        try:
            answer = await self.get(f"{self.base}/{reference}")
            _object.decode(answer.body)
        except Refused as error:
            if error.status in (404, 410):
                return None
            raise
        except msgspec.MsgspecError as error:
            where = place(f"{self.base}/{reference}")
            raise NotFhir(f"a resource is no JSON, or was cut off: {error}", where=where, do="run it again") from error
        return answer

    def named_by_us(self, body: bytes) -> bytes:
        """A resource of this server as we name it: by its own id, for where it can be it is one that we gave."""
        return body

    async def their_name(self, reference: str) -> str | None:
        """What this server calls what we call `reference`, for a search; None where it has nothing of that name."""
        return reference

    async def write(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One PUT, POST, PATCH or DELETE below the base, sent once. Unreachable means unknown: read before a retry."""
        content = {"Content-Type": FHIR_JSON} if body else {}
        url = f"{self.base}/{path}" if path else self.base
        return await self._exchange(method, url, body, {**content, **(headers or {})})

    async def once(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """One request to an address that the caller has checked, sent once."""
        return await self._exchange(method, url, body, headers)

    @asynccontextmanager
    async def stream(self, url: str, headers: Mapping[str, str], *, token: bool) -> AsyncIterator[httpx.Response]:
        """A GET whose body is read as it comes; without `token` nothing says who we are. The caller checked `url`."""
        auth = httpx.USE_CLIENT_DEFAULT if token else None
        with _as_ours(url):
            async with (
                self._pace.slot(),
                self._http.stream("GET", url, headers=dict(headers), auth=auth) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    await response.aread()
                    checked(response, "GET", url)
                yield response

    def tries(self) -> AsyncIterator[stamina.Attempt]:
        """`async for attempt in server.tries(): with attempt: ...`: a read again after a lost connection, 429, 5xx."""
        return stamina.retry_context(on=_wait_for, attempts=READ_ATTEMPTS, timeout=None, wait_max=10).__aiter__()

    async def _read(self, method: str, url: str, form: bytes = b"") -> Answer:
        headers = {"Cache-Control": "no-cache"}
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        async for attempt in self.tries():
            with attempt:
                return await self._exchange(method, url, form, headers)
        raise AssertionError("stamina either returns or raises")

    async def _exchange(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """When its turn comes: how many are on their way follows how the server bears it."""
        async with self._pace.slot():
            try:
                answer = checked(await self._send(method, url, body, headers), method, url)
            except ServerBusy as busy:
                self._pace.too_busy(busy.wait if (busy.wait or 0) <= LONGEST_WAIT else None)
                raise
        self._pace.went_well()
        return answer

    async def _send(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Received:
        with _as_ours(url):
            async with self._http.stream(method, _parsed(url), content=body, headers=dict(headers)) as response:
                return Received(response.status_code, response.headers, await whole_body(response, url))


def whole_tries() -> AsyncIterator[stamina.Attempt]:
    """`async for attempt in whole_tries(): with attempt: ...`: again what came cut off, or as a proxy's HTML."""
    return stamina.retry_context(on=NotFhir, attempts=WHOLE_ATTEMPTS, wait_max=1).__aiter__()


@contextmanager
def _as_ours(url: str) -> Iterator[None]:
    """What goes wrong on the way there and back, as an error of ours."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise Unreachable("no answer in time", where=place(url), do="try again, or ask its owner") from error
    except httpx.DecodingError as error:
        raise NotFhir("the answer's compression is broken", where=place(url), do="run it again") from error
    except httpx.LocalProtocolError as error:
        # Its text repeats the header that does not fit, which may be the token.
        raise Unreachable("the request cannot be sent", where=place(url), do="check this source's token") from error
    except httpx.RequestError as error:
        reason = str(error) or type(error).__name__
        raise Unreachable(
            f"no connection: {reason}", where=place(url), do="check the address and that the server runs"
        ) from error
    except httpx.InvalidURL as error:
        raise PagingBroken(
            "the server gave a link that is no address", where=place(url), do="ask the server's owner"
        ) from error


def _wait_for(error: Exception) -> bool | float:
    """For stamina: whether to try a read again, or after how many seconds."""
    if isinstance(error, ServerBusy):
        return error.wait is None or (error.wait <= LONGEST_WAIT and error.wait)
    if isinstance(error, Refused):
        return error.status >= 500
    return isinstance(error, Unreachable | NotFhir)
