"""The Authorization header in, the Grant of its bearer out; 401 where there is none or it does not hold.

A JWT of a known issuer is checked by its keys; anything else is asked about where an issuer is known that answers
(RFC 7662). What was found is remembered for a short while, and never beyond the token's own end.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

import structlog

from service.facade.access.asking import Asking, Unanswered
from service.facade.access.grant import Grant
from service.facade.access.jwts import Claims, NotBelieved, Signer, claims_of, looks_like
from service.facade.access.keys import Keys
from service.facade.access.scopes import scopes
from service.facade.outcome import Refusal, unauthorized
from service.facade.search.parameters import FHIR_ID
from service.settings import Source
from service.settings.serve import Issuer

REMEMBERED = 10_000
SECONDS = 60.0

log = structlog.get_logger(__name__)


class Tokens:
    """Of the issuers in the settings; `base` is our FHIR base, which a token has to be for."""

    def __init__(
        self, issuers: Mapping[str, Issuer], base: str, source: Source, now: Callable[[], float] = time.time
    ) -> None:
        self._base, self._source, self._now = base, source, now
        self._issuers = {each.issuer: each for each in issuers.values()}
        signing = [each for each in issuers.values() if each.jwks_url]
        self._signers = {
            each.issuer: Signer(each.issuer, Keys(each.jwks_url), frozenset(each.algorithms)) for each in signing
        }
        self._asked = [each for each in issuers.values() if each.introspection_url]
        self._remembered: OrderedDict[str, tuple[Grant, float]] = OrderedDict()

    async def grant(self, authorization: str | None) -> Grant:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise unauthorized("an access token is needed", presented=False)
        token = token.strip()
        key = hashlib.sha256(token.encode()).hexdigest()
        grant, until = self._remembered.get(key, (None, 0.0))
        if grant is None or until <= self._now():
            grant = await self._checked(token, key)
        return grant

    async def _checked(self, token: str, key: str) -> Grant:
        try:
            claims = await self._claims(token)
            grant = self._granted(claims, key)
        except NotBelieved as error:
            log.info("token refused", reason=str(error))
            raise unauthorized("the access token does not hold", presented=True) from None
        self._remembered[key] = grant, min(grant.ends, self._now() + SECONDS)
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return grant

    async def _claims(self, token: str) -> Claims:
        if looks_like(token) and self._signers:
            claims = await claims_of(token, self._signers, None)
            audience = self._issuers[claims["iss"]].audience or self._base
            said = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
            if audience not in said:
                raise NotBelieved("another audience")
            return claims
        for issuer in self._asked:
            if (claims_told := await self._introspected(issuer, token)) is not None:
                return claims_told
        raise NotBelieved("nobody knows it")

    async def _introspected(self, issuer: Issuer, token: str) -> Claims | None:
        """None where it is not active there."""
        try:
            told = await Asking(issuer.introspection_url, issuer.client_id, issuer.secret()).post({"token": token})
        except Unanswered as error:
            log.warning("tokens cannot be asked about", where=issuer.introspection_url, reason=str(error))
            raise Refusal(503, "transient", "tokens cannot be checked just now", {"Retry-After": "10"}) from None
        if told.get("active") is not True:
            return None
        self._fits(issuer, told)
        return {"iss": issuer.issuer, **told}

    def _fits(self, issuer: Issuer, told: Claims) -> None:
        """https://hl7.org/fhir/smart-app-launch/token-introspection.html: what an active answer has to say."""
        if told.get("iss", issuer.issuer) != issuer.issuer:
            raise NotBelieved("another issuer")
        audience, said = issuer.audience or self._base, told.get("aud")
        if said is not None and audience not in (said if isinstance(said, list) else [said]):
            raise NotBelieved("another audience")
        ends, begins = told.get("exp"), told.get("nbf", 0)
        if not _seconds(ends) or ends <= self._now() or not _seconds(begins) or begins > self._now():
            raise NotBelieved("expired, not yet valid, or without an end")
        if not all(isinstance(told.get(name), str) for name in ("scope", "client_id")):
            raise NotBelieved("no scope or client_id")

    def _granted(self, claims: Claims, key: str) -> Grant:
        said = claims.get("scope", "")
        scope = " ".join(map(str, said)) if isinstance(said, list) else str(said)
        client = claims.get("client_id") or claims.get("azp") or claims.get("cid") or claims.get("sub") or ""
        return Grant(
            issuer=str(claims["iss"]),
            client=str(client),
            subject=str(claims.get("sub") or ""),
            scopes=scopes(scope),
            patient=self._reference(claims.get("patient"), ("Patient",), bare="Patient"),
            user=self._reference(claims.get("fhirUser"), ("Patient", "Practitioner", "PractitionerRole")),
            token=str(claims.get("jti") or key[:32]),
            ends=float(claims["exp"]),
        )

    def _reference(self, said: Any, types: tuple[str, ...], bare: str = "") -> str | None:
        """`Type/id` within the source; what is at another server is nobody here."""
        if not isinstance(said, str):
            return None
        for base in (*self._source.bases, self._base):
            said = said.removeprefix(f"{base}/")
        type, _, identifier = said.rpartition("/")
        if (type or bare) not in types or not FHIR_ID.fullmatch(identifier):
            return None
        return f"{type or bare}/{identifier}"


def _seconds(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
