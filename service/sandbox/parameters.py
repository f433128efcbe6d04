"""What the server can be searched by: per resource type the parameters, and the elements that each one reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

Kind = Literal["token", "reference", "date", "id", "updated"]


@dataclass(frozen=True)
class Parameter:
    """A search parameter; `elements` are paths of element names joined by dots."""

    name: str
    kind: Kind
    elements: tuple[str, ...] = ()

    @property
    def fhir_type(self) -> str:
        """The type as a CapabilityStatement names it."""
        return {"id": "token", "updated": "date"}.get(self.kind, self.kind)


class Reader:
    """Takes the elements of one parameter out of a resource's bytes, skipping the rest: fast, and never failing."""

    def __init__(self, parameter: Parameter) -> None:
        self._paths = [path.split(".") for path in parameter.elements]
        wanted = [(name, Any, None) for name in dict.fromkeys(path[0] for path in self._paths)]
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(msgspec.defstruct("Elements", wanted))

    def __call__(self, body: bytes) -> Iterator[Any]:
        resource = self._decoder.decode(body)
        for first, *rest in self._paths:
            value = getattr(resource, first)
            yield from _at(value, rest)


def _at(value: Any, path: list[str]) -> Iterator[Any]:
    if value is None:
        return
    if not path:
        yield value
        return
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            yield from _at(one.get(path[0]), path[1:])


_COMMON = (
    Parameter("_id", "id"),
    Parameter("_lastUpdated", "updated"),
    Parameter("_tag", "token", ("meta.tag",)),
)
_IDENTIFIER = Parameter("identifier", "token", ("identifier",))
_STATUS = Parameter("status", "token", ("status",))
_CODE = Parameter("code", "token", ("code",))
_SUBJECT = (Parameter("patient", "reference", ("subject",)), Parameter("subject", "reference", ("subject",)))
_PATIENT = Parameter("patient", "reference", ("patient",))
_OBSERVED = Parameter("date", "date", ("effectiveDateTime", "effectivePeriod", "effectiveInstant"))
_VALUE = Parameter("value-concept", "token", ("valueCodeableConcept",))
_TARGET = Parameter("target", "reference", ("target",))

_OWN: dict[str, tuple[Parameter, ...]] = {
    "Patient": (_IDENTIFIER, Parameter("link", "reference", ("link.other",))),
    "Encounter": (*_SUBJECT, _IDENTIFIER, _STATUS, Parameter("date", "date", ("period", "actualPeriod"))),
    # R4 searches a Claim by `created` alone; what it was billed for is what a reader of claims asks for.
    "Claim": (_PATIENT, _IDENTIFIER, _STATUS, Parameter("date", "date", ("billablePeriod",))),
    "ClaimResponse": (_PATIENT, _IDENTIFIER, _STATUS),
    "ExplanationOfBenefit": (_PATIENT, _IDENTIFIER, _STATUS),
    "Observation": (*_SUBJECT, _IDENTIFIER, _STATUS, _CODE, _OBSERVED, _VALUE),
    "Condition": (*_SUBJECT, _IDENTIFIER, _CODE),
    "Procedure": (*_SUBJECT, _IDENTIFIER, _STATUS, _CODE),
    "Coverage": (Parameter("patient", "reference", ("beneficiary",)), _IDENTIFIER, _STATUS),
    "RiskAssessment": (*_SUBJECT, _IDENTIFIER),
    "Flag": (*_SUBJECT, _IDENTIFIER, _STATUS),
    "List": (*_SUBJECT, _IDENTIFIER, _STATUS, _CODE),
    "DocumentReference": (*_SUBJECT, _IDENTIFIER, _STATUS),
    "Consent": (_PATIENT, _IDENTIFIER, _STATUS),
    "Provenance": (_TARGET,),
    "Device": (_IDENTIFIER, _STATUS),
    "Organization": (_IDENTIFIER,),
    "Practitioner": (_IDENTIFIER,),
    "PractitionerRole": (_IDENTIFIER,),
    "Location": (_IDENTIFIER, _STATUS),
    "Group": (_IDENTIFIER,),
    "Measure": (_IDENTIFIER, _STATUS),
    "MeasureReport": (_IDENTIFIER, _STATUS),
    "Subscription": (_STATUS,),
    "AuditEvent": (),
    "Basic": (_IDENTIFIER, _CODE),
    "Binary": (),
    "CapabilityStatement": (_STATUS,),
    "CodeSystem": (_IDENTIFIER, _STATUS),
    "ConceptMap": (_STATUS,),
    "ImplementationGuide": (_STATUS,),
    "NamingSystem": (_STATUS,),
    "OperationDefinition": (_STATUS,),
    "SearchParameter": (_STATUS,),
    "StructureDefinition": (_IDENTIFIER, _STATUS),
    "ValueSet": (_IDENTIFIER, _STATUS),
}

SEARCH: dict[str, dict[str, Parameter]] = {
    type: {parameter.name: parameter for parameter in (*_COMMON, *own)} for type, own in sorted(_OWN.items())
}
"""Resource type -> name -> parameter. A type that is not here is unknown to the server."""
