"""In: FHIR references, codings and labels as JSON. Out: plain answers about them, and groups of what is linked."""

from collections.abc import Hashable, Iterable
from typing import Any, TypeVar

Json = dict[str, Any]
Node = TypeVar("Node", bound=Hashable)

CONFIDENTIALITY = {
    "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
    "http://hl7.org/fhir/v3/Confidentiality",
}


def name(resource: Json) -> str:
    """The resource's own name: Type/id."""
    return f"{resource['resourceType']}/{resource['id']}"


def target(reference: Json | None) -> str | None:
    """What a literal reference names, as Type/id, be it relative, absolute or versioned; None for all others."""
    text = (reference or {}).get("reference", "").split("/_history/")[0]
    return "/".join(text.split("/")[-2:]) if "/" in text else None


def codings(concepts: Iterable[Json]) -> set[tuple[str | None, str | None]]:
    """All (system, code) of some CodeableConcepts."""
    return {(coding.get("system"), coding.get("code")) for concept in concepts for coding in concept.get("coding", [])}


def labelled_sensitive(resource: Json) -> bool:
    """Whether the resource itself bears the confidentiality R or V."""
    labels = resource.get("meta", {}).get("security", [])
    return any(label.get("system") in CONFIDENTIALITY and label.get("code") in {"R", "V"} for label in labels)


def groups(nodes: Iterable[Node], pairs: Iterable[tuple[Node, Node]]) -> list[set[Node]]:
    """The nodes in sets of those that the pairs connect; cycles are harmless."""
    group = {node: {node} for node in nodes}
    for one, other in pairs:
        if group[one] is not group[other]:
            group[one] |= group[other]
            group.update(dict.fromkeys(group[other], group[one]))
    return list({id(members): members for members in group.values()}.values())
