"""A client id and a private key in, requests that bear an access token out. SMART Backend Services 2.2.0.

Every token request has an assertion of its own, signed with RS384 or ES384. A token is renewed before it lapses, and
once when the server says 401 while it should hold.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import jwt
import msgspec

from service.errors import NotPermitted, WrongUsage
from service.server.auth import discovery
from service.server.auth.discovery import Discovered
from service.server.auth.keys import Key

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 240  # at most 300 are allowed, and clocks differ
RENEW_BEFORE = 30.0  # seconds: a request that is on its way shall still arrive with a token that holds
TYPES = (
    "Patient", "Encounter", "Claim", "ExplanationOfBenefit", "ClaimResponse", "Condition", "PractitionerRole", "Group",
)  # fmt: skip
WRITTEN = ("Observation", "Provenance", "Device")


class _Token(msgspec.Struct):
    access_token: str
    token_type: str
    expires_in: float = 0  # required of the server; without it the token is used for this request alone
    scope: str = ""


class _Failure(msgspec.Struct):
    error: str = ""


@dataclass(frozen=True)
class Client:
    """What was registered: `scopes` and `token_url` only where the server's own words shall not decide."""

    base: str
    client_id: str
    key: Key
    scopes: str = ""
    token_url: str = ""
    audience: str = ""
    writes: bool = True
    also_read: tuple[str, ...] = ()


@dataclass
class BackendServices(httpx.Auth):
    """`may_ask` refuses an address that no assertion is sent to; `say` is told of scopes that were not granted."""

    client: Client
    may_ask: Callable[[str], None]
    say: Callable[[str], None]
    now: Callable[[], float] = time.monotonic
    _token: str = field(default="", repr=False)
    _lapses: float = 0.0
    _discovered: Discovered | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Of many requests that find the token lapsed, or refused, one renews it."""
        refused = None
        for _ in range(2):
            async with self._turn:
                if self._token == refused or self._due():
                    steps = self._renewal()
                    asked: httpx.Request | None = next(steps)
                    while asked:
                        response = yield asked
                        await response.aread()
                        asked = next_of(steps, response)
            refused = self._token
            request.headers["Authorization"] = f"Bearer {self._token}"
            answer = yield request
            if answer.status_code != httpx.codes.UNAUTHORIZED:
                return

    def _due(self) -> bool:
        return self._lapses - RENEW_BEFORE <= self.now()

    def _renewal(self) -> Generator[httpx.Request, httpx.Response, None]:
        if self._discovered is None:
            self._discovered = yield from self._discovery()
        scopes = self.client.scopes or default_scopes(self._discovered.v2, self.client.writes, self.client.also_read)
        self.may_ask(self._discovered.token_url)
        asked_at = self.now()
        response = yield self._token_request(self._discovered.token_url, scopes)
        token = self._read(response)
        self._token, self._lapses = token.access_token, asked_at + token.expires_in
        if lacking := sorted(set(scopes.split()) - set(token.scope.split())) if token.scope else []:
            self.say(f"not granted: {' '.join(lacking)}")

    def _discovery(self) -> Generator[httpx.Request, httpx.Response, Discovered]:
        client = self.client
        if client.token_url:
            return Discovered(client.token_url, (), v2=False)
        found = discovery.read(client.base, (yield discovery.request(client.base)))
        if found.algorithms and client.key.algorithm not in found.algorithms:
            raise WrongUsage(
                f"the server verifies {', '.join(found.algorithms)}, and the key signs with {client.key.algorithm}",
                where=client.base,
                do="make another with `personalize keys new FILE --algorithm ...`, and register it",
            )
        return found

    def _token_request(self, url: str, scopes: str) -> httpx.Request:
        form = {
            "grant_type": "client_credentials",
            "scope": scopes,
            "client_assertion_type": ASSERTION,
            "client_assertion": assertion(self.client, url),
        }
        return httpx.Request("POST", url, data=form, headers={"Accept": "application/json"})

    def _read(self, response: httpx.Response) -> _Token:
        """What else the answer says is not repeated: it may hold a token."""
        where = str(response.request.url.copy_with(query=None))
        if response.status_code != httpx.codes.OK:
            why = _error_of(response) or f"HTTP {response.status_code}"
            raise NotPermitted(
                f"no access token: {why}",
                where=where,
                do="check client_id, that the key is registered there, and the scopes",
                status=response.status_code,
            )
        try:
            token = msgspec.json.decode(response.content, type=_Token)
        except msgspec.MsgspecError as error:
            raise NotPermitted("the answer holds no access token", where=where, do="ask the server's owner") from error
        if token.token_type.lower() != "bearer":
            raise NotPermitted(f"a token of type {token.token_type[:20]!r}", where=where, do="ask the server's owner")
        return token


def assertion(client: Client, token_url: str) -> str:
    """A JWT for one token request."""
    issued = int(time.time())
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": client.audience or token_url,
        "jti": uuid4().hex,
        "iat": issued,
        "exp": issued + ASSERTION_SECONDS,
    }
    headers = {"kid": client.key.kid, "typ": "JWT"}
    return jwt.encode(claims, client.key.private, algorithm=client.key.algorithm, headers=headers)


def default_scopes(v2: bool, writes: bool, also_read: Sequence[str] = ()) -> str:
    """Read and search of what is pulled; where something is written, that too. Patient only when asked for."""
    read, written = (".rs", ".crus") if v2 else (".read", ".*")
    scopes = [f"system/{name}{read}" for name in dict.fromkeys((*TYPES, *also_read))]
    return " ".join(scopes + [f"system/{name}{written}" for name in WRITTEN] * writes)


def next_of(steps: Generator[httpx.Request, httpx.Response, None], response: httpx.Response) -> httpx.Request | None:
    try:
        return steps.send(response)
    except StopIteration:
        return None


def _error_of(response: httpx.Response) -> str:
    """The code of RFC 6749 5.2, which says what is wrong without saying with what."""
    try:
        return msgspec.json.decode(response.content, type=_Failure).error[:80]
    except msgspec.MsgspecError:
        return ""
