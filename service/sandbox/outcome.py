"""A refused interaction in, its HTTP status and OperationOutcome out. https://hl7.org/fhir/R4/operationoutcome.html"""

from __future__ import annotations

import msgspec


class Refusal(Exception):
    """The server declines an interaction: an HTTP status, an issue code of FHIR and a sentence for the reader."""

    def __init__(self, status: int, code: str, diagnostics: str) -> None:
        super().__init__(diagnostics)
        self.status, self.code, self.diagnostics = status, code, diagnostics

    @property
    def outcome(self) -> bytes:
        return operation_outcome(self.code, self.diagnostics)


def operation_outcome(code: str, diagnostics: str) -> bytes:
    """An OperationOutcome of one error, as JSON bytes."""
    issue = {"severity": "error", "code": code, "diagnostics": diagnostics}
    return msgspec.json.encode({"resourceType": "OperationOutcome", "issue": [issue]})


def malformed(diagnostics: str) -> Refusal:
    return Refusal(400, "invalid", diagnostics)


def not_found(type: str, id: str) -> Refusal:
    return Refusal(404, "not-found", f"there is no {type}/{id}")


def gone(type: str, id: str) -> Refusal:
    return Refusal(410, "deleted", f"{type}/{id} was deleted")


def precondition_failed(diagnostics: str) -> Refusal:
    return Refusal(412, "conflict", diagnostics)
