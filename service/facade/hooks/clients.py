"""The JWT of a CDS client in, who it is out; each is good for one call to one address, and for that once.

https://cds-hooks.hl7.org/2.0/#trusting-cds-clients. What was seen is kept in the catalog, so that a flushed cache does
not open the door to a repetition.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import jwt
import sqlalchemy as sa
import structlog
from jwt.exceptions import PyJWTError
from starlette.concurrency import run_in_threadpool

from service.catalog import Catalog
from service.facade.access.grant import Grant
from service.facade.access.jwts import Claims, NotBelieved, Signer, claims_of
from service.facade.access.keys import Keys
from service.facade.outcome import unauthorized
from service.settings.serve import HookClient
from service.tables import tokens_seen

ALGORITHMS = frozenset({"ES384", "RS384", "RS256"})
REQUIRED = ("iss", "aud", "exp", "iat", "jti")

log = structlog.get_logger(__name__)


class Clients:
    """Those that the settings name, by the issuer of their tokens."""

    def __init__(
        self, clients: Mapping[str, HookClient], catalog: Catalog, now: Callable[[], float] = time.time
    ) -> None:
        self._signers = {each.issuer: Signer(each.issuer, Keys(each.jwks_url), ALGORITHMS) for each in clients.values()}
        self._jku = {each.issuer: each.jwks_url for each in clients.values()}
        self._catalog, self._now = catalog, now

    async def grant(self, authorization: str | None, url: str) -> Grant:
        """401 for anything but a fresh token of a known client for exactly this address."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthorized("a signed JWT of a known CDS client is needed", presented=False)
        try:
            claims = await claims_of(token.strip(), self._signers, url, REQUIRED)
            self._fits(token, claims)
            await run_in_threadpool(self._first_time, claims)
        except NotBelieved as error:
            log.info("hook token refused", reason=str(error))
            raise unauthorized("the JWT does not hold", presented=True) from None
        issuer = str(claims["iss"])
        return Grant(issuer, issuer, "", (), token=str(claims["jti"]), ends=float(claims["exp"]))

    def _fits(self, token: str, claims: Claims) -> None:
        try:
            header = jwt.get_unverified_header(token.strip())
        except PyJWTError as error:
            raise NotBelieved(type(error).__name__) from None
        if header.get("typ") != "JWT":
            raise NotBelieved("another type")
        if header.get("jku", self._jku[claims["iss"]]) != self._jku[claims["iss"]]:
            raise NotBelieved("keys elsewhere")
        if not isinstance(claims["jti"], str) or not claims["jti"]:
            raise NotBelieved("no jti")

    def _first_time(self, claims: Claims) -> None:
        try:
            with self._catalog.engine.begin() as tx:
                tx.execute(tokens_seen.delete().where(tokens_seen.c.ends < self._now()))
                seen = {"issuer": claims["iss"], "jti": claims["jti"], "ends": float(claims["exp"])}
                tx.execute(tokens_seen.insert().values(seen))
        except sa.exc.IntegrityError:
            raise NotBelieved("repeated") from None
