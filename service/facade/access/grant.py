"""Who asks and what their token grants in; what they may see of a type, as a condition of the search, out.

The one place where it is decided: reads, searches, includes, pages and operations all add this condition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from service.facade.access.scopes import Letter, Scope
from service.facade.outcome import forbidden
from service.facade.search.condition import ALL, NONE, Condition, either, every
from service.facade.search.query import meaning

_STAFF = ("Practitioner", "PractitionerRole")


@dataclass(frozen=True)
class Grant:
    """`patient` is the context's, `Patient/id`; `user` the `fhirUser` within the source; `ends` seconds since 1970."""

    issuer: str
    client: str
    subject: str
    scopes: tuple[Scope, ...]
    patient: str | None = None
    user: str | None = None
    token: str = ""
    ends: float = 0.0

    def sight(self, type: str, letter: Letter) -> Condition:
        """What may be seen; Refusal 403 where no scope covers this type and interaction at all."""
        granted = [scope for scope in self.scopes if scope.grants(type, letter)]
        if not granted:
            raise forbidden("the token's scope does not cover this")
        return either(self._seen(scope, type) for scope in granted)

    def may(self, type: str, letter: Letter) -> bool:
        return any(scope.grants(type, letter) for scope in self.scopes)

    def reaches(self, patient: str | None, type: str, letter: Letter) -> bool:
        """Whether something may be done about `Patient/id`, or about anybody (None); not by a scope with a query, for
        what is to be done has none of its parameters."""
        granted = [scope for scope in self.scopes if scope.grants(type, letter) and not scope.restrictions]
        return any(self._whose(scope) in (ALL, Condition("patient = ?", (patient or "",))) for scope in granted)

    def _seen(self, scope: Scope, type: str) -> Condition:
        met = [meaning(type, name, value) for name, value in scope.restrictions]
        return every([self._whose(scope), *met])

    def _whose(self, scope: Scope) -> Condition:
        if scope.context == "system":
            return ALL
        patient = self.patient if scope.context == "patient" else self._own()
        if scope.context == "user" and self._staff():
            return ALL
        return Condition("patient = ?", (patient,)) if patient else NONE

    def _staff(self) -> bool:
        """Whom the hospital knows as staff reaches all patients; nobody else does, whatever the scope says."""
        return self.user is not None and self.user.split("/")[0] in _STAFF

    def _own(self) -> str | None:
        return self.user if self.user and self.user.startswith("Patient/") else None

    def told(self) -> Iterator[tuple[str, str]]:
        """For the record of accesses."""
        yield "client", self.client
        if self.user or self.subject:
            yield "user", self.user or self.subject


NOBODY = Grant("", "", "", ())
EVERYBODY = Grant("", "anybody", "", (Scope("system", "*", "cruds"), Scope("system", "AuditEvent", "cruds")))
