"""How a server counts and pages: asked for a few resources of each type, never for all."""

from __future__ import annotations

from urllib.parse import urlsplit

from service.doctor.findings import Finding
from service.errors import NotPermitted, Refused
from service.server.client import FhirServer, Metadata
from service.server.egress import within
from service.server.search import Page, count, pages

COUNTED = ("Patient", "Encounter", "Claim", "ExplanationOfBenefit", "ClaimResponse", "Condition", "PractitionerRole")
NEEDED = COUNTED[:3]
FEW = 2


async def counts(server: FhirServer, metadata: Metadata) -> Finding:
    """Of each type by `_summary=count`, beside what a plain search says in Bundle.total."""
    seen, missing = [], []
    for name in COUNTED:
        told = await _count(server, metadata, name)
        seen.append(f"{told} {name}")
        missing += [name] if told.startswith("no ") and name in NEEDED else []
    return Finding(
        "counts",
        "GET /TYPE?_summary=count, and beside it the total of a plain search",
        ", ".join(seen),
        f"what is told by {', '.join(missing)} is unknown, which is not zero" if missing else "",
        f"offer {', '.join(missing)} to this client" if missing else "",
        "bad" if "Patient" in missing else "note" if missing else "good",
    )


async def _count(server: FhirServer, metadata: Metadata, name: str) -> str:
    if not metadata.capability.states(name):
        return "no (not stated)"
    try:
        number = await count(server, name, {})
        total = await _total(server, name)
    except (Refused, NotPermitted) as error:
        return f"no ({error.status})"
    if number is None:
        return "uncounted"
    return f"{number:,}" + (f" (a plain search says {total:,})" if total not in (None, number) else "")


async def _total(server: FhirServer, name: str) -> int | None:
    async for page in pages(server, name, {"_count": "1"}):
        return page.total
    return None


async def paging(server: FhirServer, metadata: Metadata) -> Finding:  # noqa: ARG001 - the signature of every check
    """Two pages of the most numerous type."""
    tried, read = f"two pages of Encounter with _count={FEW}", list[Page]()
    async for page in pages(server, "Encounter", {"_count": str(FEW)}):
        read.append(page)
        if len(read) == 2:
            break
    if len(read) < 2 or read[0].next is None:
        return Finding("paging", tried, f"one page of {len(read[0].resources)}: too little to tell", verdict="note")
    sizes = " and ".join(str(len(page.resources)) for page in read)
    honoured = len(read[0].resources) <= FEW
    return Finding(
        "paging",
        tried,
        f"pages of {sizes}; next link {_shape(server.base, read[0].next)}",
        "next links are followed to the letter, under the address that you gave"
        + ("" if honoured else "; _count is not honoured"),
    )


def _shape(base: str, link: str) -> str:
    """In words, for the link itself may hold patients' ids or a session."""
    parts, ours = urlsplit(link), urlsplit(base)
    where = (
        "relative" if not parts.netloc else "at the same address" if parts.netloc == ours.netloc else "at another host"
    )
    inside = urlsplit(within(base, link)).path.removeprefix(ours.path).strip("/")
    return f"{where}, {'below ' + inside if inside else 'at the base itself'}, {len(link)} characters"
