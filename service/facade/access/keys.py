"""The address of a JWK Set and a JWT's header in, the key that it has to be signed with out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Any

import structlog
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from service.facade.access.asking import Asking, Unanswered
from service.facade.outcome import Refusal

FRESH = 600.0  # seconds: a key that was withdrawn counts no longer than this
AGAIN = 10.0  # seconds between two readings, whatever keys are named to us
RSA_BITS = 2048
_KNOWN = frozenset({"RS256", "RS384", "ES384"})

log = structlog.get_logger(__name__)


class NoKey(Exception):
    """No key of theirs fits what the token's header says."""


class Keys:
    """The keys of one issuer, read again when they are old, and when an unknown one is named."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._clock = url, clock
        self._keys: dict[str, dict[str, Any]] = {}
        self._read_at = self._tried_at = float("-inf")
        self._turn = asyncio.Lock()

    async def key(self, header: dict[str, Any], algorithms: Collection[str]) -> PyJWK:
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in algorithms or algorithm not in _KNOWN or not isinstance(kid, str):
            raise NoKey
        async with self._turn:
            if self._stale(kid):
                await self._read()
        return _fitting(self._keys.get(kid, {}), algorithm)

    def _stale(self, kid: str) -> bool:
        now = self._clock()
        old = now - self._read_at > FRESH or kid not in self._keys
        return old and now - self._tried_at > AGAIN

    async def _read(self) -> None:
        self._tried_at = self._clock()
        try:
            told = await Asking(self._url).get()
        except Unanswered as error:
            log.warning("keys cannot be read", where=self._url, reason=str(error))
            if self._clock() - self._read_at > FRESH:
                self._keys = {}
                raise Refusal(503, "transient", "tokens cannot be checked just now", {"Retry-After": "10"}) from None
            return
        found = [each for each in told.get("keys", []) if isinstance(each, dict) and isinstance(each.get("kid"), str)]
        self._keys, self._read_at = {each["kid"]: each for each in found}, self._clock()


def _fitting(jwk: dict[str, Any], algorithm: str) -> PyJWK:
    """A key is used for what it was made for, and for nothing else; its kind and curve are PyJWT's to compare."""
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", algorithm) != algorithm:
        raise NoKey
    try:
        key = PyJWK(jwk, algorithm=algorithm)
    except PyJWTError:
        raise NoKey from None
    if algorithm.startswith("RS") and key.key.key_size < RSA_BITS:
        raise NoKey
    return key
