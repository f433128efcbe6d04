"""A CapabilityStatement and what was found out in, how this server takes writes out; lowered by what it answers.

A statement lies in both directions, so a refusal that means "I do not do that" makes the next try plainer: without a
patch, without a transaction, without a batch, and at last one PUT after the other.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal

from service.catalog import Catalog
from service.errors import LostRace, Refused, ServerProblem
from service.server.capability import Capability
from service.server.quirks import Quirk

Together = Literal["transaction", "batch", "single"]
REMEMBERED = dt.timedelta(days=30)
GIVES_IDS = "update-create"
NOT_DONE = (404, 405, 501)
NO_PUT_CREATE = (400, 404, 405, 422)
NO_PATCH = (400, 404, 405, 415, 422, 501)


@dataclass
class Found:
    """What one server turned out not to do; remembered for a month, for servers are mended."""

    catalog: Catalog
    source: str
    base: str
    _out: dict[str, str] | None = None  # kept, for every patient's line asks

    def out(self) -> dict[str, str]:
        if self._out is None:
            self._out = self.catalog.found_out(self.source, self.base, dt.datetime.now(dt.UTC) - REMEMBERED)
        return self._out

    def gives_ids(self) -> None:
        self.note(GIVES_IDS, "it keeps what is ours under ids of its own")

    def takes_ids(self) -> None:
        self._out = None
        self.catalog.find_out(self.source, self.base, GIVES_IDS, None, dt.datetime.now(dt.UTC))

    def note(self, what: str, said: str) -> None:
        self._out = None
        self.catalog.find_out(self.source, self.base, what, said, dt.datetime.now(dt.UTC))


@dataclass
class Manner:
    """`proven` is what was seen to work in this run, and is doubted no more."""

    found: Found
    together: Together
    patch: bool
    assigns_ids: bool
    quirks: frozenset[Quirk]
    proven: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, capability: Capability, found: Found) -> Manner:
        out = found.out()
        together: Together = "single"
        if capability.transactions and "transaction" not in out:
            together = "transaction"
        elif capability.batches and "batch" not in out:
            together = "batch"
        patch = capability.patches("Patient") and "patch" not in out
        # A statement that says nothing of it has not said no.
        assigns = GIVES_IDS in out or capability.of("Device").update_create is False
        return cls(found, together, patch, assigns, capability.quirks)

    def worked(self, *, several: bool, patched: bool, created: bool) -> None:
        if created:
            self.proven.add("post" if self.assigns_ids else GIVES_IDS)
        if several:
            self.proven.add(self.together)
        if patched:
            self.proven.add("patch")

    def lowered(self, error: ServerProblem, *, several: bool, patched: bool) -> bool:
        """Whether the next try goes another way; then nothing of this one was done."""
        if not isinstance(error, Refused) or isinstance(error, LostRace):
            return False
        if patched and self.patch and "patch" not in self.proven and error.status in NO_PATCH:
            self.patch = self._not("patch", error)
            return True
        if several and self.together not in self.proven and _not_done(error):
            self._not(self.together, error)
            self.together = "batch" if self.together == "transaction" else "single"
            return True
        return False

    def gives_ids(self, error: ServerProblem, resource_type: str) -> bool:
        """The Device is the first that is put anywhere, so it is tried both ways; later only a 405 says so much."""
        if self.assigns_ids or GIVES_IDS in self.proven or not isinstance(error, Refused):
            return False
        if error.status != 405 and not (resource_type == "Device" and error.status in NO_PUT_CREATE):
            return False
        self.assigns_ids = True
        return True

    def posts(self) -> None:
        """Noted before the first: after a kill in the middle, what was made is to be looked for by our names."""
        if GIVES_IDS not in self.found.out():
            self.found.gives_ids()

    def takes_no_device(self) -> None:
        """Then its refusal said nothing about ids."""
        if self.assigns_ids and "post" not in self.proven:
            self.assigns_ids = False
            self.found.takes_ids()

    def _not(self, what: str, error: ServerProblem) -> bool:
        self.found.note(what, error.what)
        return False


def _not_done(error: Refused) -> bool:
    return error.status in NOT_DONE or (error.status in (400, 422) and error.code == "not-supported")
