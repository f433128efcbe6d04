"""A CapabilityStatement's bytes in, what we need to know of it out."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from service.errors import NotFhir, ServerProblem
from service.server.quirks import Quirk, quirks_of

RELEASES = {"3.0": "STU3", "4.0": "R4", "4.3": "R4B", "5.0": "R5"}


class _Interaction(msgspec.Struct):
    code: str = ""


class _Resource(msgspec.Struct):
    type: str = ""
    interaction: list[_Interaction] = []


class _Rest(msgspec.Struct):
    mode: str = "server"
    resource: list[_Resource] = []
    interaction: list[_Interaction] = []


class _Software(msgspec.Struct):
    name: str = ""
    version: str = ""


class _Implementation(msgspec.Struct):
    url: str = ""


class _Statement(msgspec.Struct):
    resourceType: str = ""
    fhirVersion: str = ""
    software: _Software = msgspec.field(default_factory=_Software)
    implementation: _Implementation = msgspec.field(default_factory=_Implementation)
    rest: list[_Rest] = []


@dataclass(frozen=True)
class Capability:
    """What the server states of itself: it lies in both directions, so it decides what to ask, not what is true."""

    release: str
    fhir_version: str
    software: str
    base: str
    types: frozenset[str]
    transactions: bool
    quirks: frozenset[Quirk]

    def states(self, resource_type: str) -> bool:
        """A server that lists no types at all has told us nothing, so everything is asked for."""
        return not self.types or resource_type in self.types


def _address(url: str) -> str:
    return url if url.startswith(("http://", "https://")) else ""


def read_capability(body: bytes, where: str) -> Capability:
    try:
        statement = msgspec.json.decode(body, type=_Statement)
    except msgspec.MsgspecError as error:
        raise NotFhir(
            "its /metadata is no CapabilityStatement in JSON", where=where, do="check that this is a FHIR base address"
        ) from error
    if statement.resourceType != "CapabilityStatement":
        raise NotFhir(
            f"its /metadata is a {statement.resourceType or 'JSON document'}, no CapabilityStatement",
            where=where,
            do="check that this is a FHIR base address",
        )
    rests = [rest for rest in statement.rest if rest.mode == "server"]
    release = RELEASES.get(statement.fhirVersion[:3])
    if release is None:
        raise ServerProblem(
            f"FHIR {statement.fhirVersion or 'of an unstated version'} is not supported",
            where=where,
            do="use a server of FHIR R4",
        )
    return Capability(
        release=release,
        fhir_version=statement.fhirVersion,
        software=f"{statement.software.name} {statement.software.version}".strip(),
        base=_address(statement.implementation.url),
        types=frozenset(resource.type for rest in rests for resource in rest.resource),
        transactions=any(entry.code == "transaction" for rest in rests for entry in rest.interaction),
        quirks=quirks_of(statement.software.name),
    )
