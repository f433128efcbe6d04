"""A page of a search in, a searchset Bundle out, with a sealed link to the next.

The link holds the whole question, encrypted: no patient's id stands in it, and it can neither be read nor changed. It
grants nothing: who follows it is asked for a token, and sees what that token lets them see.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Sequence
from uuid import uuid4

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.facade.outcome import Refusal, malformed, operation_outcome
from service.facade.search.query import Query
from service.facade.store.shelf import About, Place, Record

NONCE = 12


class Question(msgspec.Struct, array_like=True):
    """What a next link holds."""

    type: str
    pairs: list[tuple[str, str]]
    value: int
    row: int

    @property
    def place(self) -> Place:
        return Place(self.value, self.row)


def sealed(about: About, query: Query, place: Place) -> str:
    question = Question(query.type, list(query.pairs), place.value, place.row)
    nonce = secrets.token_bytes(NONCE)
    secret = AESGCM(about.key).encrypt(nonce, msgspec.json.encode(question), about.build.encode())
    return base64.urlsafe_b64encode(nonce + secret).rstrip(b"=").decode()


def opened(about: About, type: str, link: str) -> Question:
    """410 for one of an earlier edition of the profiles: going on from there could leave patients out."""
    try:
        held = base64.urlsafe_b64decode(link + "=" * (-len(link) % 4))
    except ValueError:
        raise malformed("this link is not as it was given") from None
    try:
        question = msgspec.json.decode(
            AESGCM(about.key).decrypt(held[:NONCE], held[NONCE:], about.build.encode()), type=Question
        )
    except (InvalidTag, ValueError, msgspec.MsgspecError):
        raise Refusal(410, "expired", "this page link does not hold, or no longer; search again") from None
    if question.type != type:
        raise malformed("this link is not as it was given")
    return question


def searchset(
    base: str,
    links: dict[str, str],
    total: int | None,
    matches: Sequence[Record],
    included: Sequence[Record] = (),
    warning: str = "",
) -> bytes:
    head = {
        "resourceType": "Bundle",
        "id": str(uuid4()),
        "type": "searchset",
        **({} if total is None else {"total": total}),
        "link": [{"relation": relation, "url": url} for relation, url in links.items()],
    }
    entries = [*_entries(base, "match", matches), *_entries(base, "include", included)]
    if warning:
        outcome = operation_outcome("suppressed", warning, "warning")
        entries.append(msgspec.json.encode({"resource": outcome, "search": {"mode": "outcome"}}))
    return _joined(msgspec.json.encode(head), entries)


def _joined(head: bytes, entries: Sequence[bytes]) -> bytes:
    """FHIR has no empty arrays, so none gives no `entry`."""
    return b'%b,"entry":[%b]}' % (head[:-1], b",".join(entries)) if entries else head


def _entries(base: str, mode: str, records: Iterable[Record]) -> Iterable[bytes]:
    for each in records:
        entry = {"fullUrl": f"{base}/{each.reference}", "resource": msgspec.Raw(each.body), "search": {"mode": mode}}
        yield msgspec.json.encode(entry)
