"""What an address and a CapabilityStatement say, before anything is tried."""

from __future__ import annotations

from service.doctor.findings import Finding
from service.pull.way import WORTH_EXPORTING
from service.server.capability import Capability
from service.server.client import FhirServer, Metadata
from service.settings import WriteRung
from service.write_back.ladder import Rungs

WRITTEN = ("Patient", "Observation", "Provenance", "Device")


def address(server: FhirServer) -> Finding:
    if server.loopback:
        return Finding("address", server.base, "this machine", "anything may be tried here")
    encrypted = server.base.startswith("https:")
    named = server.source.configured
    return Finding(
        "address",
        server.base,
        ("https" if encrypted else "plain http: whoever carries it can read it")
        + (", named in personalize.toml" if named else ", not named in personalize.toml"),
        "" if named else "at most 50 of its patients are read, two requests at a time, and nothing is ever written",
        "" if encrypted else "offer it over https",
        "good" if encrypted else "bad",
    )


def version(metadata: Metadata) -> Finding:
    """One that is not read has no statement that we understand either."""
    capability = metadata.capability
    seen = f"{capability.fhir_version}, which is {capability.release}"
    return Finding("version", "GET /metadata", seen, "read as such")


def bulk(metadata: Metadata) -> Finding:
    """Stated only: a kick-off would be work for the server."""
    found = sorted(metadata.capability.exports)
    if not found:
        return Finding("bulk export", "CapabilityStatement", "no $export is stated", "search is used", verdict="note")
    levels = ", ".join({"system": "the whole system"}.get(level, level) for level in found)
    use = f"used from {WORTH_EXPORTING:,} patients on, unless `pull` of this source says otherwise"
    return Finding("bulk export", "CapabilityStatement", f"$export of {levels}", use)


def writes(metadata: Metadata) -> Finding:
    capability = metadata.capability
    seen = "; ".join(f"{name}: {_interactions(capability, name)}" for name in WRITTEN)
    together = (
        "transactions"
        if capability.transactions
        else "batches"
        if capability.batches
        else "neither transaction nor batch"
    )
    so = {
        "transactions": "a patient's resources are written all or none",
        "batches": "a patient's resources are sent together, and each answer is looked at",
    }.get(together, "resources are written one by one")
    return Finding("writes", "CapabilityStatement", f"{together}; {seen}", so)


def _interactions(capability: Capability, name: str) -> str:
    if not capability.states(name):
        return "not stated"
    known = capability.of(name)
    ways = sorted(known.interactions & {"create", "update", "patch", "delete"})
    own = {True: ", ids of our own", False: ", ids of its own"}.get(known.update_create or False, "") if ways else ""
    return (" ".join(ways) or "nothing stated") + (own if known.update_create is not None else "")


def ladder(rungs: Rungs, ceiling: WriteRung, chosen: WriteRung) -> Finding:
    missing = {} if ceiling == chosen else {ceiling: rungs.missing(ceiling)}
    return Finding(
        "rung",
        f"this source allows {ceiling}",
        "; ".join(f"{name}: {why}" for name, why in missing.items()) or f"the server states what {chosen} needs",
        f"the first write is made as {chosen}, and read back before others follow"
        if chosen != "none"
        else "nothing is written",
        verdict="note" if missing else "good",
    )
