"""What was composed and what stands there in, the same with the status that follows from both out.

R4's Observation.status goes one way: preliminary, final, then amended with each change of what was final. What is taken
back after it was final is entered-in-error; what never was final is cancelled.
https://hl7.org/fhir/R4/valueset-observation-status.html
"""

from __future__ import annotations

from dataclasses import replace

from service.compose.composed import Composed
from service.compose.content import digest
from service.compose.identity import Identity

RELEASED = ("final", "amended")
WITHDRAWN = ("cancelled", "entered-in-error")


def following(composed: Composed, stood: str | None, content: str, identity: Identity) -> Composed:
    """`composed` as the next version of a panel with the status `stood` and the digest `content`."""
    return restated(composed, _next(composed, stood, content), identity)


def restated(composed: Composed, status: str, identity: Identity) -> Composed:
    """The same under another status, which is part of the content: so it has a Provenance of its own."""
    if status == composed.panel["status"]:
        return composed
    panel = composed.panel | {"status": status}
    now = digest(panel)
    provenance = composed.provenance | {"id": identity.provenance(composed.patient, now)}
    return replace(composed, panel=panel, provenance=provenance, content=now)


def _next(composed: Composed, stood: str | None, content: str) -> str:
    wanted = str(composed.panel["status"])
    if wanted == "cancelled":
        return "entered-in-error" if stood in (*RELEASED, "entered-in-error") else wanted
    if wanted != "final" or stood not in (*RELEASED, "entered-in-error"):
        return wanted
    return stood if stood in RELEASED and digest(composed.panel | {"status": stood}) == content else "amended"
