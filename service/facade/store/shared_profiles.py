"""A question about one resource in, its answer out of what servers share in Redis; else of the file in the lake.

It is for a lake on network storage, where a look into SQLite is several round trips; on a disk of the machine the file
is faster. An answer is named by the state of the file that it was read from, so that none is older than the file; and
sealed with a key that is in the file alone, so that whoever has Redis can neither read what it says of somebody, nor
change it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

import msgspec
import structlog
import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.facade.search.condition import ALL, Condition
from service.facade.shared_redis import SharedRedis
from service.facade.store.shelf import Gist, Record, Shelf
from service.jobs.cache import answers_about

NONCE = 12

Answer = TypeVar("Answer", Record, Gist)

log = structlog.get_logger(__name__)


class Held(msgspec.Struct, Generic[Answer], array_like=True):
    answer: Answer


_record, _gist = msgspec.msgpack.Decoder(Held[Record]), msgspec.msgpack.Decoder(Held[Gist])


class FromRedis:
    """`seconds`: how long an answer is kept; `asked` is told whether each was there."""

    def __init__(
        self, shelf: Shelf, shared: SharedRedis, source: str, seconds: float, asked: Callable[[bool], None]
    ) -> None:
        self._shelf, self._shared, self._source = shelf, shared, source
        self._milliseconds, self._asked = int(seconds * 1000), asked

    async def read(self, type: str, id: str, sight: Condition) -> Record | None:
        return await self._answer(f"{type}/{id}", sight, _record, lambda: self._shelf.read(type, id, sight))

    async def profile(self, patient: str, sight: Condition) -> Record | None:
        return await self._answer(f"of {patient}", sight, _record, lambda: self._shelf.profile(patient, sight))

    async def gist(self, patient: str) -> Gist | None:
        return await self._answer(f"gist {patient}", ALL, _gist, lambda: self._shelf.gist(patient))

    async def _answer(
        self,
        question: str,
        sight: Condition,
        decoder: msgspec.msgpack.Decoder[Held[Answer]],
        read: Callable[[], Answer | None],
    ) -> Answer | None:
        state = self._shelf.state
        if state is None:
            return read()
        name = self._name(state, question, sight)
        held = cast("bytes | None", await self._shared.told(lambda: self._shared.redis.get(name)))
        answer = self._opened(name, held, decoder) if held else None
        self._asked(answer is not None)
        if answer is not None:
            return answer
        found = read()
        if found is not None and self._shelf.state == state:
            sealed = self._sealed(name, found)
            await self._shared.told(lambda: self._shared.redis.set(name, sealed, px=self._milliseconds))
        return found

    def _name(self, state: str, question: str, sight: Condition) -> str:
        """Who may see less has answers of their own."""
        asked = msgspec.json.encode([state, question, sight.sql, sight.values])
        return f"{answers_about(self._source)}{hashlib.sha256(asked).hexdigest()}"

    def _sealed(self, name: str, found: Record | Gist) -> bytes:
        packed = zstandard.compress(msgspec.msgpack.encode(Held(found)))
        nonce = secrets.token_bytes(NONCE)
        return nonce + self._seal.encrypt(nonce, packed, name.encode())

    def _opened(self, name: str, held: bytes, decoder: msgspec.msgpack.Decoder[Held[Answer]]) -> Answer | None:
        """None for what has lapsed since, and for what we did not put there."""
        try:
            packed = self._seal.decrypt(held[:NONCE], held[NONCE:], name.encode())
        except (InvalidTag, ValueError):
            log.warning("what Redis holds of a profile is not ours; the file is read")
            return None
        answer: Any = decoder.decode(zstandard.decompress(packed)).answer
        return None if answer.until is not None and answer.until <= self._shelf.now() else answer

    @property
    def _seal(self) -> AESGCM:
        return AESGCM(self._shelf.about.key)
