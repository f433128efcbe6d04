"""The definitions in, a picture (SVG) of how the resources refer to each other out.

Where a box stands was chosen by hand; every arrow is a Reference that some definition names.
"""

from collections.abc import Iterator
from typing import Any

__all__ = ["picture"]

Json = dict[str, Any]

_WIDE, _HIGH = 168, 44
_BOXES = {
    "Patient": (20, 190, "Patient", "level and pathways"),
    "List": (20, 40, "List", "top patients, for staff"),
    "Observation": (330, 190, "Observation", "the panel"),
    "RiskAssessment": (330, 40, "RiskAssessment", "a prediction"),
    "Provenance": (640, 190, "Provenance", "where it came from"),
    "Device": (640, 40, "Device", "the installation"),
    "Flag": (20, 340, "Flag", "instead of the panel"),
    "DocumentReference": (330, 340, "DocumentReference", "instead of the Flag"),
    "Encounter": (640, 340, "Encounter, Claim, ...", "the evidence"),
}
_EVIDENCE = {"Claim", "ClaimResponse", "Condition", "ExplanationOfBenefit", "List"}  # of a Provenance
_STYLE = (
    "text{font:13px sans-serif;fill:#1b1b1b}"
    ".small{font-size:11px;fill:#444;paint-order:stroke;stroke:#fff;stroke-width:4px}"
    "rect{fill:#fff;stroke:#1b1b1b}line{stroke:#1b1b1b}"
)


def picture(definitions: list[Json]) -> str:
    """The same definitions give the same bytes."""
    arrows = list(dict.fromkeys(_arrows(definitions)))
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 830 420" role="img">',
        "<title>How Patient, Observation, Provenance and List hang together</title>",
        f"<style>{_STYLE}</style>",
        '<defs><marker id="to" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 8 4 0 8z"/></marker></defs>',
        '<rect x="0" y="0" width="830" height="420" style="stroke:none"/>',
        *(_line(*ends, arrows) for ends in dict.fromkeys((one, other) for one, other, _ in arrows)),
        *(_box(*box) for box in _BOXES.values()),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _arrows(definitions: list[Json]) -> Iterator[tuple[str, str, str]]:
    """From, to, by which element. An extension refers from each resource that it stands on."""
    for definition in definitions:
        if definition["resourceType"] != "StructureDefinition":
            continue
        bearers = [each["expression"] for each in definition.get("context", ())] or [definition["type"]]
        for element in definition["differential"]["element"]:
            for target in _targets(element):
                yield from ((one, target, _word(element)) for one in bearers if {one, target} <= _BOXES.keys())


def _targets(element: Json) -> Iterator[str]:
    for kind in element.get("type", ()):
        for profile in kind.get("targetProfile", ()):
            aim = profile.rpartition("/")[2]
            yield "Encounter" if element["path"] == "Provenance.entity.what" and aim in _EVIDENCE else aim


def _word(element: Json) -> str:
    """entity, target, subject; of an extension the name of its part."""
    part = element["id"].partition(":")[2] or element["path"].partition(".")[2]
    return str(part.partition(".")[0])


def _line(one: str, other: str, arrows: list[tuple[str, str, str]]) -> str:
    if one == other:
        return ""
    words = ", ".join(dict.fromkeys(word for a, b, word in arrows if (a, b) == (one, other)))
    back = any((b, a) == (one, other) for a, b, _ in arrows)
    x1, y1, x2, y2 = _ends(_BOXES[one][:2], _BOXES[other][:2], 9 if back else 0)
    middle = f'x="{(x1 + x2) / 2:g}" y="{(y1 + y2) / 2 + (-6 if x1 < x2 or y1 > y2 else 14):g}"'
    return (
        f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" marker-end="url(#to)"/>'
        f'<text class="small" text-anchor="middle" {middle}>{words}</text>'
    )


def _ends(one: tuple[int, int], other: tuple[int, int], aside: int) -> tuple[float, float, float, float]:
    """Edge to edge; two arrows between the same boxes run beside each other."""
    (x1, y1), (x2, y2) = one, other
    if x1 != x2:
        right = x1 < x2
        step = -aside if right else aside
        start, end = (x1 + _WIDE, x2) if right else (x1, x2 + _WIDE)
        return start, y1 + _HIGH / 2 + step, end, y2 + _HIGH / 2 + step
    down = y1 < y2
    start, end = (y1 + _HIGH, y2) if down else (y1, y2 + _HIGH)
    return x1 + _WIDE / 2, start, x2 + _WIDE / 2, end


def _box(x: int, y: int, title: str, words: str) -> str:
    middle = x + _WIDE / 2
    return (
        f'<rect x="{x}" y="{y}" width="{_WIDE}" height="{_HIGH}" rx="5"/>'
        f'<text x="{middle:g}" y="{y + 19}" text-anchor="middle">{title}</text>'
        f'<text class="small" x="{middle:g}" y="{y + 35}" text-anchor="middle">{words}</text>'
    )
