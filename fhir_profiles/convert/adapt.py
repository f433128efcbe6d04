"""R4 resources and HL7's conversion of them in, the same with what the converters cannot know out, as files.

    python3 adapt.py R4-FOLDER CONVERTED-FOLDER OUT-FOLDER stu3|r5

The converters keep paths of elements that another version calls otherwise, code systems that it knows by another name,
and lose what they have no place for. Each of these stands here as data, with the reason.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Json = dict[str, Any]

FHIR_VERSION = {"stu3": "3.0.2", "r5": "5.0.0"}

# STU3 knows HL7's code systems by the addresses that they had before terminology.hl7.org. (The role of an agent has
# another code system altogether, with the same codes.)
SYSTEMS = {
    "http://terminology.hl7.org/CodeSystem/v3-": "http://hl7.org/fhir/v3/",
    "http://terminology.hl7.org/CodeSystem/v2-": "http://hl7.org/fhir/v2/",
    "http://terminology.hl7.org/CodeSystem/provenance-participant-type": (
        "http://hl7.org/fhir/provenance-participant-role"
    ),
    "http://terminology.hl7.org/CodeSystem/": "http://hl7.org/fhir/",
}

# Elements by what the version calls them.
PATHS = {
    "stu3": {
        "Device.deviceName": "Device.model",
        "MeasureReport.subject": "MeasureReport.patient",
        "Provenance.agent.who": "Provenance.agent.who[x]",
        "Provenance.entity.what": "Provenance.entity.what[x]",
    },
    "r5": {"Device.deviceName": "Device.name"},
}

# MeasureReport.measure is a Reference in STU3 and a canonical afterwards.
EXPRESSIONS = {"stu3": {"measure.startsWith(": "measure.reference.startsWith("}, "r5": {}}

# STU3 has Flag.category once, so that there is nothing to slice.
ONCE = {"stu3": {"Flag.category"}, "r5": set[str]()}

# What a version knows no such thing of: targets of a reference by their element, codes of HL7's by their system.
UNKNOWN_TARGETS = {"stu3": {"Provenance.agent.who": ("PractitionerRole",)}, "r5": {}}
UNKNOWN_CODES = {"http://terminology.hl7.org/CodeSystem/adjudication": ("submitted",)}

EQUIVALENCE = "http://hl7.org/fhir/1.0/StructureDefinition/extension-ConceptMap.element.target.equivalence"
NOT_APPLICABLE = {"code": "unknown", "display": "Unknown"}  # STU3 has no not-applicable; the text tells


def adapted(r4: Json, converted: Json | None, version: str) -> Json:
    """`converted` is None where the converters refuse the type."""
    by_type = STU3 if version == "stu3" else R5
    resource = by_type.get(r4["resourceType"], _as_converted)(r4, converted or {})
    return _older_systems(resource) if version == "stu3" else resource


def _as_converted(_r4: Json, converted: Json) -> Json:
    return converted


def _definition(version: str) -> Callable[[Json, Json], Json]:
    def adapt(_r4: Json, converted: Json) -> Json:
        elements = [_element(each, version) for each in converted["differential"]["element"]]
        return _stated(version)(_r4, converted) | {"differential": {"element": _unsliced(elements, version)}}

    return adapt


def _stated(version: str) -> Callable[[Json, Json], Json]:
    """The version that a definition says it is for; a statement in STU3 says also what becomes of unknown elements."""

    def adapt(_r4: Json, converted: Json) -> Json:
        told = {"fhirVersion": FHIR_VERSION[version]}
        if version == "stu3" and converted["resourceType"] == "CapabilityStatement":
            told["acceptUnknown"] = "no"
        return converted | told

    return adapt


def _element(element: Json, version: str) -> Json:
    if unknown := UNKNOWN_TARGETS[version].get(element["path"]):
        element["type"] = [each for each in element["type"] if not each["targetProfile"].endswith(unknown)]
    for old, new in PATHS[version].items():
        if element["path"] == old or element["path"].startswith(f"{old}."):
            element |= {name: element[name].replace(old, new) for name in ("id", "path")}
    for constraint in element.get("constraint", ()):
        for old, new in EXPRESSIONS[version].items():
            constraint["expression"] = constraint["expression"].replace(old, new)
    return element


def _unsliced(elements: list[Json], version: str) -> list[Json]:
    """The one slice of an element that stands once is the element itself."""
    kept = []
    for element in elements:
        if element["path"] not in ONCE[version]:
            kept.append(element)
        elif "sliceName" in element:
            kept.append({k: v for k, v in element.items() if k != "sliceName"} | {"id": element["path"]})
    return kept


def _device_stu3(r4: Json, converted: Json) -> Json:
    """A name without an identifier is no UDI: the model is what STU3 has for it."""
    kept = {name: value for name, value in converted.items() if name != "udi"}
    return kept | {"model": r4["deviceName"][0]["name"]}


def _device_r5(r4: Json, converted: Json) -> Json:
    """R5 has no name of type other; each name needs a type."""
    return converted | {"name": [{"value": each["name"], "type": "user-friendly-name"} for each in r4["deviceName"]]}


def _provenance_stu3(r4: Json, converted: Json) -> Json:
    """What an agent did and why: the converters leave both out, STU3 has `role` and a Coding."""
    agents = [
        ({"role": [theirs["type"]]} if "type" in theirs else {}) | ours
        for theirs, ours in zip(r4["agent"], converted["agent"], strict=True)
    ]
    reasons = [{"display": each["text"]} for each in r4.get("reason", ())]
    return converted | {"agent": agents} | ({"reason": reasons} if reasons else {})


def _observation_stu3(_r4: Json, converted: Json) -> Json:
    for absent in (each.get("dataAbsentReason", {}) for each in (converted, *converted.get("component", ()))):
        for coding in absent.get("coding", ()):
            coding |= NOT_APPLICABLE if coding["code"] == "not-applicable" else {}
    return converted


def _measure_stu3(r4: Json, _converted: Json) -> Json:
    """The converters refuse it. STU3 identifies groups, populations and stratifiers, and has criteria as text."""
    return {name: value for name, value in r4.items() if name != "group"} | {
        "group": [
            _named(f"group-{n}", group)
            | {
                "population": [
                    {"code": each["code"], "description": each["description"], "criteria": each["description"]}
                    for each in group["population"]
                ],
                "stratifier": [
                    {"identifier": {"value": each["code"]["text"]}, "criteria": each["description"]}
                    for each in group["stratifier"]
                ],
            }
            for n, group in enumerate(r4["group"], start=1)
        ]
    }


def _named(name: str, group: Json) -> Json:
    words = {"description": group["description"]} if "description" in group else {}
    return {"identifier": {"value": name}, **words}


def _report_stu3(r4: Json, _converted: Json) -> Json:
    """The converters refuse it. STU3 refers to the Measure, has a score as a number and a stratum as text."""
    head = {name: value for name, value in r4.items() if name not in ("group", "measure")}
    head["meta"] = {name: value for name, value in r4["meta"].items() if name != "source"}
    groups = [_counted(group, identifier={"value": f"group-{n}"}) for n, group in enumerate(r4["group"], start=1)]
    return head | {"measure": {"reference": r4["measure"]}, "group": groups}


def _counted(part: Json, **named: Json | str) -> Json:
    score = {"measureScore": part["measureScore"]["value"]} if "measureScore" in part else {}
    stratifiers = [
        {"identifier": {"value": each["code"][0]["text"]}, "stratum": [_stratum(one) for one in each["stratum"]]}
        for each in part.get("stratifier", ())
    ]
    return {**named, "population": part["population"], **score, **({"stratifier": stratifiers} if stratifiers else {})}


def _stratum(stratum: Json) -> Json:
    return _counted(stratum, value=stratum["value"]["text"])


def _map_stu3(_r4: Json, converted: Json) -> Json:
    for group in converted["group"]:
        unknown = UNKNOWN_CODES.get(group["target"], ())
        for element in group["element"]:
            element["target"] = [each for each in element["target"] if each["code"] not in unknown]
        group["element"] = [element for element in group["element"] if element["target"]]
    return converted


def _map_r5(_r4: Json, converted: Json) -> Json:
    """The converters repeat the old equivalence in a modifier that no reader of R5 knows."""
    targets = [to for group in converted["group"] for element in group["element"] for to in element["target"]]
    for target in targets:
        kept = [each for each in target.pop("modifierExtension", ()) if each["url"] != EQUIVALENCE]
        target |= {"modifierExtension": kept} if kept else {}
    return converted


def _older_systems(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _older_systems(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_older_systems(value) for value in node]
    if isinstance(node, str):
        for new, old in SYSTEMS.items():
            node = node.replace(new, old)
    return node


STU3: dict[str, Callable[[Json, Json], Json]] = {
    "CapabilityStatement": _stated("stu3"),
    "ConceptMap": _map_stu3,
    "Device": _device_stu3,
    "Measure": _measure_stu3,
    "MeasureReport": _report_stu3,
    "Observation": _observation_stu3,
    "Provenance": _provenance_stu3,
    "StructureDefinition": _definition("stu3"),
}
R5: dict[str, Callable[[Json, Json], Json]] = {
    "CapabilityStatement": _stated("r5"),
    "ConceptMap": _map_r5,
    "Device": _device_r5,
    "StructureDefinition": _definition("r5"),
}


MARK = "digits:"  # json makes floats of decimals, and 100.00 would come out as 100.0
MARKED = re.compile(f'"{MARK}([^"]+)"')


def _read(path: Path) -> Json:
    resource: Json = json.loads(path.read_text("utf-8"), parse_float=MARK.__add__)
    return resource


def _written(resource: Json) -> str:
    return MARKED.sub(r"\1", json.dumps(resource, indent=2, ensure_ascii=False)) + "\n"


def main(r4: Path, converted: Path, out: Path, version: str) -> None:
    for source in sorted(r4.rglob("*.json")):
        place = source.relative_to(r4)
        made = _read(converted / place) if (converted / place).is_file() else None
        target = out / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_written(adapted(_read(source), made, version)), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
