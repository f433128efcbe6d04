"""A CapabilityStatement's bytes in, what we need to know of it out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from service.errors import NotFhir, ServerProblem
from service.server.quirks import Quirk, quirks_of

Release = Literal["STU3", "R4", "R4B", "R5"]
VERSIONS: Mapping[Release, str] = {"STU3": "3.0.2", "R4": "4.0.1", "R4B": "4.3.0", "R5": "5.0.0"}
# By the beginning of CapabilityStatement.fhirVersion.
BY_VERSION: Mapping[str, Release] = {version[:3]: release for release, version in VERSIONS.items()}
JSON_PATCH = "application/json-patch+json"


class _Interaction(msgspec.Struct):
    code: str = ""


class _Operation(msgspec.Struct):
    name: str = ""


class _Parameter(msgspec.Struct):
    name: str = ""


class _Resource(msgspec.Struct):
    type: str = ""
    operation: list[_Operation] = []
    searchParam: list[_Parameter] = []
    interaction: list[_Interaction] = []
    updateCreate: bool | None = None
    conditionalCreate: bool = False


class _Rest(msgspec.Struct):
    mode: str = "server"
    resource: list[_Resource] = []
    interaction: list[_Interaction] = []
    operation: list[_Operation] = []


class _Software(msgspec.Struct):
    name: str = ""
    version: str = ""


class _Implementation(msgspec.Struct):
    url: str = ""


class _Statement(msgspec.Struct):
    resourceType: str = ""
    fhirVersion: str = ""
    software: _Software = msgspec.field(default_factory=_Software)
    patchFormat: list[str] = []
    implementation: _Implementation = msgspec.field(default_factory=_Implementation)
    rest: list[_Rest] = []


@dataclass(frozen=True)
class TypeCapability:
    """What is stated of one resource type; no interactions at all is a statement about none of them."""

    interactions: frozenset[str] = frozenset()
    update_create: bool | None = None
    conditional_create: bool = False
    parameters: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Capability:
    """What the server states of itself: it lies in both directions, so it decides what to ask, not what is true.

    `exports` are the levels at which it states $export: system, Patient, Group.
    """

    release: str
    fhir_version: str
    software: str
    base: str
    types: frozenset[str]
    transactions: bool
    quirks: frozenset[Quirk]
    batches: bool = False
    by_type: Mapping[str, TypeCapability] = field(default_factory=dict)
    json_patch: bool = False
    exports: frozenset[str] = frozenset()

    def states(self, resource_type: str) -> bool:
        """A server that lists no types at all has told us nothing, so everything is asked for."""
        return not self.types or resource_type in self.types

    def takes(self, resource_type: str, *interactions: str) -> bool:
        """Whether it may be asked for one of these: stated, or nothing was stated either way."""
        stated = self.of(resource_type).interactions
        return self.states(resource_type) and (not stated or not stated.isdisjoint(interactions))

    def patches(self, resource_type: str) -> bool:
        """JSON Patch, which must be stated: a server that says nothing is sent a whole resource. Inside a Bundle STU3
        has none, and a patch that works alone would be refused there (HAPI 8.8.0: 400)."""
        return self.release != "STU3" and self.json_patch and "patch" in self.of(resource_type).interactions

    def of(self, resource_type: str) -> TypeCapability:
        return self.by_type.get(resource_type, TypeCapability())


def _address(url: str) -> str:
    return url if url.startswith(("http://", "https://")) else ""


def read_capability(body: bytes, where: str) -> Capability:
    statement = _statement(body, where)
    rests = [rest for rest in statement.rest if rest.mode == "server"]
    release = BY_VERSION.get(statement.fhirVersion[:3])
    if release is None:
        raise ServerProblem(
            f"FHIR {statement.fhirVersion or 'of an unstated version'} is not supported",
            where=where,
            do="use a server of FHIR STU3, R4, R4B or R5",
        )
    system = {entry.code for rest in rests for entry in rest.interaction}
    by_type = {resource.type: _type(resource) for rest in rests for resource in rest.resource}
    return Capability(
        release=release,
        fhir_version=statement.fhirVersion,
        software=f"{statement.software.name} {statement.software.version}".strip(),
        base=_address(statement.implementation.url),
        types=frozenset(by_type),
        transactions="transaction" in system,
        quirks=quirks_of(statement.software.name),
        batches="batch" in system,
        by_type=by_type,
        json_patch=JSON_PATCH in statement.patchFormat or not statement.patchFormat,
        exports=frozenset(level for rest in rests for level in _exports(rest)),
    )


def _exports(rest: _Rest) -> Iterator[str]:
    """Named `export`, `$export`, `patient-export`, `group-export`, as servers have it."""
    levels = [("system", rest.operation), *((each.type, each.operation) for each in rest.resource)]
    for level, operations in levels:
        if level in ("system", "Patient", "Group") and any(_is_export(each.name) for each in operations):
            yield level


def _is_export(name: str) -> bool:
    return name.lstrip("$") in ("export", "patient-export", "group-export")


def _statement(body: bytes, where: str) -> _Statement:
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
    return statement


def _type(resource: _Resource) -> TypeCapability:
    return TypeCapability(
        frozenset(each.code for each in resource.interaction),
        resource.updateCreate,
        resource.conditionalCreate,
        frozenset(each.name for each in resource.searchParam),
    )
