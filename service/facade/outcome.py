"""A refused request in, its HTTP status and OperationOutcome out. https://hl7.org/fhir/R4/operationoutcome.html

What is said tells what to do, and repeats nothing of what was asked: a value may name a patient.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Refusal(Exception):
    """An HTTP status, an issue code of FHIR, a sentence for the reader, and headers that belong to the status."""

    def __init__(self, status: int, code: str, said: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(said)
        self.status, self.code, self.said, self.headers = status, code, said, dict(headers or {})

    @property
    def outcome(self) -> bytes:
        return msgspec.json.encode(operation_outcome(self.code, self.said))


def operation_outcome(code: str, said: str, severity: str = "error") -> dict[str, object]:
    issue = {"severity": severity, "code": code, "diagnostics": said}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def malformed(said: str) -> Refusal:
    return Refusal(400, "invalid", said)


def not_supported(said: str) -> Refusal:
    return Refusal(400, "not-supported", said)


def not_found() -> Refusal:
    """One answer for what is not there and for what the asker may not see: that it exists tells something too."""
    return Refusal(404, "not-found", "there is no such resource here, or none that you may see")


def unauthorized(said: str, *, presented: bool) -> Refusal:
    """RFC 6750 3: the challenge names an error only where a token came. No word of what was wrong with it."""
    challenge = 'Bearer error="invalid_token"' if presented else "Bearer"
    return Refusal(401, "login", said, {"WWW-Authenticate": challenge})


def forbidden(said: str) -> Refusal:
    return Refusal(403, "forbidden", said, {"WWW-Authenticate": 'Bearer error="insufficient_scope"'})
