"""The published definitions and the rules above their sources in, the pages of docs/profile/ out.

    python -m fhir_profiles.guide DIR

What a person wrote by hand stands beside them: using.md, conforming.md, choices.md.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from fhir_profiles import artefacts, examples, folder
from fhir_profiles.picture import picture

__all__ = ["pages"]

Json = dict[str, Any]

_VERSION = "r4"
_MADE = "<!-- Made by `python -m fhir_profiles.guide docs/profile` from fhir_profiles/; a test compares. -->"
_FSH = folder(_VERSION).joinpath("..", "fsh")
_KINDS = {
    "StructureDefinition": "Profiles and extensions",
    "CodeSystem": "Codes",
    "SearchParameter": "Search parameters",
    "ConceptMap": "Public codes beside ours",
    "OperationDefinition": "Operations",
    "CapabilityStatement": "What servers offer",
    "Measure": "What reports measure",
}
_INTRODUCTION = """\
# The standardized personalization profile

One profile for each patient, in plain FHIR: how much attention the patient needs now (the **level**), along which
**pathways**, from which **measures**, for which reasons. It stands on the Patient where the hospital allows it, always
in one Observation (the **panel**), and names the records that it came from in a Provenance.

![How the resources hang together](picture.svg)

- [Read a profile in one request](using.md): curl, JavaScript, Python; and what it must not be used for.
- [How a second implementer conforms](conforming.md), and how to install and to validate.
- [Where the core of FHIR forced a choice](choices.md), with the reason for each.

Canonical base: `https://w3id.org/fhir-personalization`. The definitions are in `fhir_profiles/`: `stu3/`, `r4/` (for R4
and R4B) and `r5/`, each with its examples and a `package.tgz` that servers and validators load as any other guide. The
pages here show R4; the other two say the same, as far as [their version can](choices.md).
"""


def pages() -> dict[str, str]:
    """Text by file name: README.md, one page for each definition, and the picture."""
    told = {_name(each): _page(each) for each in artefacts(_VERSION) if each["resourceType"] in _KINDS}
    return {"README.md": _contents(), "picture.svg": picture(list(artefacts(_VERSION))), **told}


def _contents() -> str:
    parts = [_MADE, _INTRODUCTION]
    for kind, title in _KINDS.items():
        rows = [_row(_link(each), each["description"]) for each in artefacts(_VERSION) if each["resourceType"] == kind]
        parts += [f"## {title}", "", *_table("Name", "What it is"), *rows, ""]
    rows = [_row(f"[{each['id']}]({_at('examples', each)})", _rule(each["id"])) for each in examples(_VERSION)]
    return "\n".join([*parts, "## Examples", "", *_table("Example", "What it shows"), *rows]) + "\n"


def _page(definition: Json) -> str:
    kind = definition["resourceType"]
    parts = [
        _MADE,
        f"# {definition.get('title', definition['id'])}",
        "",
        definition["description"],
        "",
        f"`{definition['url']}`, version {definition['version']} ([JSON]({_at('', definition)}))",
        "",
        *_said(definition),
        *_BODIES[kind](definition),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _said(definition: Json) -> Iterator[str]:
    """The rule in plain words, as it stands above the source."""
    if words := _rule(definition["id"], definition["resourceType"], whole=True):
        yield from (words, "")


def _structure(definition: Json) -> Iterator[str]:
    elements = definition["differential"]["element"]
    if "context" in definition:
        yield f"On: {', '.join(each['expression'] for each in definition['context'])}."
    else:
        yield f"Of: {definition['type']}."
    yield from ("", *_table("Element", "Card.", "Type", "What it is"))
    yield from (_row(*_element(each)) for each in elements if _told(each))
    rules = [rule for each in elements for rule in each.get("constraint", ())]
    if rules:
        yield from ("", "## Rules", "", *_table("Key", "Rule", "FHIRPath"))
        yield from (_row(f"`{each['key']}`", each["human"], f"`{each['expression']}`") for each in rules)
    yield from _shown(definition)


def _told(element: Json) -> bool:
    """Every element but those that only say how FHIR writes an extension."""
    return not re.search(r"\.url$|[a-z]\.extension$|^Extension\.value\[x\]$", element["id"])


def _element(element: Json) -> tuple[str, str, str, str]:
    least, most = element.get("min", ""), element.get("max", "")
    cardinality = f"{least}..{most}" if least != "" or most != "" else ""
    return f"`{element['id']}`", cardinality, ", ".join(map(_type, element.get("type", ()))), "; ".join(_meant(element))


def _type(kind: Json) -> str:
    aims = [each.rpartition("/")[2] for each in (*kind.get("targetProfile", ()), *kind.get("profile", ()))]
    return f"{kind['code']}({' or '.join(aims)})" if aims else str(kind["code"])


def _meant(element: Json) -> Iterator[str]:
    if "short" in element:
        yield element["short"]
    if "binding" in element:
        yield f"{element['binding']['strength']}: `{element['binding']['valueSet'].rpartition('/')[2]}`"
    for name in element:
        if name.startswith(("pattern", "fixed")):
            yield f"always {_constant(element[name])}"
    if element.get("slicing", {}).get("rules") == "closed":
        yield "closed: nothing else may stand here"


def _constant(value: Any) -> str:
    coding = value["coding"][0] if isinstance(value, dict) else None
    return f"`{coding['code']}` of `{coding['system'].rpartition('/')[2]}`" if coding else f"`{value}`"


def _shown(definition: Json) -> Iterator[str]:
    url = definition["url"]
    held = [each for each in examples(_VERSION) if f'"{url}"' in str(each).replace("'", '"')]
    if held:
        yield from ("", "## Examples", "")
        yield from (f"- [{each['id']}]({_at('examples', each)}): {_rule(each['id'])}" for each in held)


def _codes(definition: Json) -> Iterator[str]:
    yield f"All of them are the value set `{definition['valueSet']}`."
    properties = [each["code"] for each in definition.get("property", ())]
    yield from ("", *_table("Code", "Display", "Definition", *properties))
    for concept in definition["concept"]:
        told = {each["code"]: _value(each) for each in concept.get("property", ())}
        said = (told.get(name, "") for name in properties)
        yield _row(f"`{concept['code']}`", concept["display"], concept["definition"], *said)


def _value(entry: Json) -> str:
    return str(entry.get("valueString") or entry["valueCoding"]["code"])


def _search(definition: Json) -> Iterator[str]:
    yield from _table("Of", "Code", "Type", "FHIRPath")
    yield _row(
        ", ".join(definition["base"]), f"`{definition['code']}`", definition["type"], f"`{definition['expression']}`"
    )


def _map(definition: Json) -> Iterator[str]:
    yield from _table("Ours", "Public code", "Relation", "How")
    for group in definition["group"]:
        for element in group["element"]:
            for target in element["target"]:
                public = f"`{group['target']}` `{target['code']}`"
                yield _row(f"`{element['code']}`", public, target["equivalence"], target["comment"])


def _needs(definition: Json) -> Iterator[str]:
    (rest,) = definition["rest"]
    yield rest["documentation"]
    yield from ("", *_table("Type", "", "Interactions", "Searched by", "What for"))
    for each in rest["resource"]:
        done, by = _expected(each["interaction"], "code"), _expected(each.get("searchParam", ()), "name")
        yield _row(each["type"], _strength(each), done, by, each["documentation"])
    if "interaction" in rest:
        yield _row("the system", "", _expected(rest["interaction"], "code"), "", "Several writes at once.")


def _operation(definition: Json) -> Iterator[str]:
    place = "".join(f"{each}/{{id}}/" for each in definition.get("resource", ()))
    yield f"`{place}${definition['code']}`"
    yield from ("", *_table("Parameter", "", "Type", "What it is"))
    for each in definition["parameter"]:
        yield _row(f"`{each['name']}`", each["use"], each["type"], each["documentation"])


def _expected(parts: Iterable[Json], name: str) -> str:
    return ", ".join(f"{each[name]} ({_strength(each)})" for each in parts)


def _strength(part: Json) -> str:
    return str(part["extension"][0]["valueCode"])


def _reported(definition: Json) -> Iterator[str]:
    for group in definition["group"]:
        yield from (group["description"], "", *_table("Population or stratifier", "What it is"))
        for each in (*group["population"], *group["stratifier"]):
            code = each["code"].get("text") or each["code"]["coding"][0]["code"]
            yield _row(f"`{code}`", each["description"])


_BODIES = {
    "StructureDefinition": _structure,
    "CodeSystem": _codes,
    "SearchParameter": _search,
    "ConceptMap": _map,
    "CapabilityStatement": _needs,
    "OperationDefinition": _operation,
    "Measure": _reported,
}
_DECLARED = {"CodeSystem": "CodeSystem", "StructureDefinition": "Profile|Extension"}


def _rule(identifier: str, kind: str = "", whole: bool = False) -> str:
    """The comment at the head of the file that declares it; its first sentence, or the whole of it as Markdown."""
    source = next((text for text in _sources() if _declares(text, identifier, kind)), "")
    lines = [line.removeprefix("//").removeprefix(" ") for line in source.splitlines()[: _head(source)]]
    return "\n".join(lines) if whole else re.split(r"(?<=\.)\s", " ".join(lines))[0]


def _declares(text: str, identifier: str, kind: str) -> bool:
    if kind in _DECLARED:
        return bool(re.search(rf"^({_DECLARED[kind]}): \w+\n(Parent: \w+\n)?Id: {identifier}$", text, re.MULTILINE))
    instance = re.search(rf"^Instance: {identifier}\nInstanceOf: (\w+)$", text, re.MULTILINE)
    return instance is not None and kind in ("", instance[1])


def _head(source: str) -> int:
    return next((n for n, line in enumerate(source.splitlines()) if not line.startswith("//")), 0)


def _sources() -> Iterator[str]:
    for place in sorted(_FSH.iterdir(), key=lambda each: each.name):
        if place.is_dir():
            files = sorted(place.iterdir(), key=lambda each: each.name)
            yield from (each.read_text(encoding="utf-8") for each in files)


def _name(definition: Json) -> str:
    return f"{definition['resourceType']}-{definition['id']}.md"


def _link(definition: Json) -> str:
    return f"[{definition.get('title', definition['id'])}]({_name(definition)})"


def _at(within: str, resource: Json) -> str:
    inside = f"{within}/" if within else ""
    return f"../../fhir_profiles/{_VERSION}/{inside}{resource['resourceType']}-{resource['id']}.json"


def _table(*titles: str) -> list[str]:
    return [_row(*titles), _row(*("---" for _ in titles))]


def _row(*cells: str) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def main(target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (target / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
