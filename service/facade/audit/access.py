"""One request as the record of accesses tells it; filled in while it is answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from service.facade.access.grant import NOBODY, Grant

Interaction = Literal["read", "search-type", "operation", "capabilities", ""]


@dataclass
class Access:
    """`seen`: by `Patient/id`, or None for what is of nobody, which resources were shown. `query` is as it was sent.

    `kept` is false for what shows nothing of anybody: the statement of what is served, the health of the process.
    """

    interaction: Interaction = ""
    type: str = ""
    query: str = ""
    address: str = ""
    grant: Grant = NOBODY
    status: int = 0
    kept: bool = True
    seen: dict[str | None, list[str]] = field(default_factory=dict)

    def show(self, patient: str | None, reference: str) -> None:
        self.seen.setdefault(patient, []).append(reference)

    def shows(self, found: Iterable[tuple[str | None, str]]) -> None:
        for patient, reference in found:
            self.show(patient, reference)

    @property
    def outcome(self) -> str:
        """https://hl7.org/fhir/R4/valueset-audit-event-outcome.html"""
        return "0" if self.status < 400 else "4" if self.status < 500 else "8"
