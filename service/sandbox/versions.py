"""An R4 resource in, the same said in STU3 or R5 out, as far as that version can say it.

Written from the pages of those versions, apart from what reads them: a mistake in one is not repeated in the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, Literal, get_args

import msgspec

Version = Literal["stu3", "r4", "r4b", "r5"]
VERSIONS: tuple[Version, ...] = get_args(Version)
FHIR_VERSIONS = {"stu3": "3.0.2", "r4": "4.0.1", "r4b": "4.3.0", "r5": "5.0.0"}
Resource = dict[str, Any]

_STU3_USES = {"claim": "complete", "preauthorization": "proposed", "predetermination": "exploratory"}
_STU3_TOTALS = {"submitted": "totalCost", "benefit": "totalBenefit"}
_R5_STATUSES = {"finished": "completed", "onleave": "on-hold", "arrived": "in-progress", "triaged": "in-progress"}
_V3 = re.compile("^http://terminology.hl7.org/CodeSystem/v3-")
_HL7 = re.compile("^http://terminology.hl7.org/CodeSystem/")

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


def said_in(version: Version, resources: Iterable[bytes]) -> Iterator[bytes]:
    """Each resource as this version writes it; amounts stay as written."""
    if version in ("r4", "r4b"):
        yield from resources
    else:
        yield from (_encode(converted(version, _decode(each))) for each in resources)


def converted(version: Version, resource: Resource) -> Resource:
    """R4 JSON as Python values -> that of the version. The resource given is not changed."""
    copy: Resource = _decode(_encode(resource))
    if version == "stu3":
        copy = _walked(copy, _stu3_element)
    if convert := _CONVERSIONS.get((version, resource["resourceType"])):
        convert(copy)
    return copy


def _walked(value: Any, element: Callable[[Resource], Resource]) -> Any:
    if isinstance(value, list):
        return [_walked(each, element) for each in value]
    if isinstance(value, dict):
        return element({name: _walked(each, element) for name, each in value.items()})
    return value


def _stu3_element(element: Resource) -> Resource:
    """Code systems bore other names, and Money was a Quantity."""
    if isinstance(system := element.get("system"), str):
        element["system"] = _HL7.sub("http://hl7.org/fhir/", _V3.sub("http://hl7.org/fhir/v3/", system))
    if "currency" in element and "value" in element:
        code = element.pop("currency")
        element |= {"system": "urn:iso:std:iso:4217", "code": code}
    return element


def _renamed(element: Resource, names: dict[str, str]) -> None:
    for old, new in names.items():
        if old in element:
            element[new] = element.pop(old)


def _stu3_encounter(visit: Resource) -> None:
    """Conditions are named as diagnoses only."""
    _renamed(visit, {"reasonCode": "reason"})
    if causes := visit.pop("reasonReference", []):
        visit["diagnosis"] = visit.get("diagnosis", []) + [{"condition": cause} for cause in causes]


def _stu3_condition(condition: Resource) -> None:
    _renamed(condition, {"encounter": "context", "recordedDate": "assertedDate"})
    for name in ("clinicalStatus", "verificationStatus"):
        if name in condition:
            condition[name] = condition[name]["coding"][0]["code"]


def _stu3_claim(claim: Resource) -> None:
    claim["use"] = _STU3_USES.get(claim.get("use", ""), claim.get("use"))
    _renamed(claim, {"provider": "organization", "supportingInfo": "information"})
    _stu3_items(claim)


def _stu3_items(settled: Resource) -> None:
    for item in settled.get("item", []):
        _renamed(item, {"productOrService": "service"})


def _stu3_settled(settled: Resource) -> None:
    """Totals are elements of their own, and of but three kinds: the rest is said of an item."""
    settled.pop("use", None)
    _renamed(settled, {"provider": "organization", "supportingInfo": "information"})
    if "outcome" in settled:
        coding = {"system": "http://hl7.org/fhir/remittance-outcome", "code": settled["outcome"]}
        settled["outcome"] = {"coding": [coding]}
    if isinstance(settled.get("insurance"), list):
        settled["insurance"] = {name: said for name, said in settled["insurance"][0].items() if name != "focal"}
    _stu3_items(settled)
    rest = [each for each in settled.pop("total", []) if not _stu3_total(settled, each)] + settled.pop(
        "adjudication", []
    )
    if rest:
        items = settled.setdefault("item", [])
        items[:1] = [{**(items[0] if items else {"sequence": 1})}]
        items[0]["adjudication"] = items[0].get("adjudication", []) + rest


def _stu3_total(settled: Resource, total: Resource) -> bool:
    """Whether it has an element of its own."""
    name = next((_STU3_TOTALS.get(coding["code"]) for coding in total["category"]["coding"]), None)
    if name:
        settled[name] = total["amount"]
    return name is not None


def _r5_encounter(visit: Resource) -> None:
    _renamed(visit, {"period": "actualPeriod", "hospitalization": "admission"})
    visit["status"] = _R5_STATUSES.get(visit["status"], visit["status"])
    if "class" in visit:
        visit["class"] = [{"coding": [visit["class"]]}]
    for each in visit.get("participant", []):
        _renamed(each, {"individual": "actor"})
    values = [{"concept": each} for each in visit.pop("reasonCode", [])]
    values += [{"reference": each} for each in visit.pop("reasonReference", [])]
    if values:
        visit["reason"] = [{"value": [each]} for each in values]
    for each in visit.get("diagnosis", []):
        each["condition"] = [{"reference": each["condition"]}]


_CONVERSIONS: dict[tuple[str, str], Callable[[Resource], None]] = {
    ("stu3", "Encounter"): _stu3_encounter,
    ("stu3", "Condition"): _stu3_condition,
    ("stu3", "Claim"): _stu3_claim,
    ("stu3", "ExplanationOfBenefit"): _stu3_settled,
    ("stu3", "ClaimResponse"): _stu3_settled,
    ("r5", "Encounter"): _r5_encounter,
}
