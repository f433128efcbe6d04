"""A JWT and who may have signed it in, its claims out, or nothing. RFC 7515, RFC 7519.

Who issued it is read first, to know whose keys to take; nothing else of it is believed before the signature holds.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from jwt.exceptions import PyJWTError

from service.facade.access.keys import Keys, NoKey

LONGEST = 16_384
LEEWAY = 10.0  # seconds by which the issuer's clock may be ahead
TYPES = {"JWT", "AT+JWT", "APPLICATION/AT+JWT"}

Claims = dict[str, Any]


class NotBelieved(Exception):
    """Which check failed; for our own log, never for the answer."""


@dataclass(frozen=True)
class Signer:
    """An issuer, its keys, and the algorithms that it may sign with."""

    issuer: str
    keys: Keys = field(repr=False)
    algorithms: frozenset[str]


def looks_like(token: str) -> bool:
    return token.count(".") == 2


async def claims_of(
    token: str, signers: Mapping[str, Signer], audience: str | None, required: Collection[str] = ("exp", "iss", "aud")
) -> Claims:
    """NotBelieved, whatever is wrong. Without `audience` the caller checks it, for it differs by issuer."""
    if len(token) > LONGEST:
        raise NotBelieved("too long")
    try:
        header = jwt.get_unverified_header(token)
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except PyJWTError as error:
        raise NotBelieved(type(error).__name__) from None
    signer = signers.get(issuer) if isinstance(issuer, str) else None
    if signer is None:
        raise NotBelieved("unknown issuer")
    _plain(header)
    try:
        key = await signer.keys.key(header, signer.algorithms)
    except NoKey:
        raise NotBelieved("no key of that issuer") from None
    return _checked(token, key, header["alg"], signer.issuer, audience, required)


def _plain(header: Mapping[str, Any]) -> None:
    """No extension is understood here, so one that has to be understood is the end of it."""
    if "crit" in header or "b64" in header:
        raise NotBelieved("critical header")
    if str(header.get("typ", "JWT")).upper() not in TYPES:
        raise NotBelieved("another type")


def _checked(
    token: str, key: jwt.PyJWK, algorithm: str, issuer: str, audience: str | None, required: Collection[str]
) -> Claims:
    options: Any = {"require": list(required), "verify_aud": audience is not None}
    try:
        claims: Claims = jwt.decode(
            token, key, algorithms=[algorithm], issuer=issuer, audience=audience, leeway=LEEWAY, options=options
        )
    except PyJWTError as error:
        raise NotBelieved(type(error).__name__) from None
    if claims["exp"] <= time.time():
        raise NotBelieved("expired")  # clocks may differ about when it began, never about its end
    return claims
