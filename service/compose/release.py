"""An R4 resource of ours and the release that a source speaks in, the same as that release says it out.

We compose in R4. What another release says otherwise about the few resources that we write stands here as data: code
systems by their older addresses, and moves of elements. Anything else is the same in STU3, R4, R4B and R5, which is why
the panel was made of what they share. https://hl7.org/fhir/R5/diff.html, https://hl7.org/fhir/R4/diff.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from service.compose.canonical import ABSENT, CONFIDENTIALITY, OBSERVATION_VALUE, PARTICIPANT
from service.compose.content import Json
from service.errors import WrongUsage
from service.server.capability import BY_VERSION, Release

RELEASES: tuple[Release, ...] = get_args(Release)
R4: Release = "R4"

Shape = Callable[[Any], Any]


@dataclass(frozen=True)
class Move:
    """The element at `path` is called `to` there, and looks as `shape` makes it; without `to` it is left out."""

    path: str
    to: str = ""
    shape: Shape | None = None


@dataclass(frozen=True)
class Dialect:
    """`systems` and `absent` are code systems, and codes of dataAbsentReason, by what they are called there; `lacks`
    are elements of meta that it does not have; `moves` are by the type of resource."""

    systems: Mapping[str, str]
    absent: Mapping[str, Json]
    lacks: frozenset[str]
    moves: Mapping[str, tuple[Move, ...]]


def first(several: list[Any]) -> Any:
    return several[0]


def listed(one: Any) -> list[Any]:
    return [one]


def part(name: str) -> Shape:
    return lambda element: element[name]


def of_first(name: str) -> Shape:
    return lambda several: several[0][name]


def person(reference: Json) -> Json:
    """STU3 lets no PractitionerRole act, so that one stands in words."""
    role = reference.get("reference", "").startswith("PractitionerRole/")
    return {"display": reference["reference"]} if role else reference


def people(references: list[Json]) -> list[Json]:
    return [person(each) for each in references]


def as_codings(concepts: list[Json]) -> list[Json]:
    return [{"display": each["text"]} for each in concepts]


def as_codeable_references(concepts: list[Json]) -> list[Json]:
    return [{"concept": each} for each in concepts]


def as_friendly_names(names: list[Json]) -> list[Json]:
    """R5 has no name of the type other."""
    return [{"value": each["name"], "type": "user-friendly-name"} for each in names]


STU3 = Dialect(
    systems={
        ABSENT: "http://hl7.org/fhir/data-absent-reason",
        CONFIDENTIALITY: "http://hl7.org/fhir/v3/Confidentiality",
        OBSERVATION_VALUE: "http://hl7.org/fhir/v3/ObservationValue",
        PARTICIPANT: "http://hl7.org/fhir/provenance-participant-role",
    },
    absent={"not-applicable": {"code": "unknown", "display": "Unknown"}},  # the text goes on to tell why
    lacks=frozenset({"source"}),
    moves={
        "Device": (Move("deviceName", "model", of_first("name")), Move("version", "version", of_first("value"))),
        "DocumentReference": (Move("category", "class", first), Move("date", "indexed")),
        "Flag": (Move("category", "category", first),),
        "Observation": (Move("performer", "performer", people),),
        "Provenance": (
            Move("agent.type", "role", listed),
            Move("agent.who", "whoReference", person),
            Move("entity.what", "whatReference"),
            Move("reason", "reason", as_codings),
        ),
    },
)
R5 = Dialect(
    systems={},
    absent={},
    lacks=frozenset(),
    moves={
        "Device": (Move("deviceName", "name", as_friendly_names),),
        "DocumentReference": (
            Move("context", "period", part("period")),
            # An integer64, which is text in JSON; HAPI 8.8.0 gives it as a number, which its own validation refuses.
            Move("content.attachment.size"),
        ),
        "Provenance": (Move("reason", "authorization", as_codeable_references),),
    },
)
DIALECTS: Mapping[Release, Dialect] = {"STU3": STU3, "R5": R5}


def release_of(fhir_version: str) -> Release:
    """4.0.1 is R4, and so is R4. WrongUsage for what we do not write."""
    known = next((each for each in RELEASES if each == fhir_version), BY_VERSION.get(fhir_version[:3]))
    if known is None:
        raise WrongUsage(
            f"profiles are composed for {', '.join(RELEASES)}, not for FHIR {fhir_version}",
            do="name the server's R4 endpoint if it has one",
        )
    return known


def said_in(release: Release, resource: Json) -> Json:
    """`resource`, one of ours in R4, as `release` says it; the given one is left as it is."""
    dialect = DIALECTS.get(release)
    if dialect is None:
        return resource
    spoken: Json = _spoken(resource, dialect)
    for move in dialect.moves.get(spoken["resourceType"], ()):
        _move(spoken, move.path.split("."), move)
    if "meta" in spoken:
        spoken["meta"] = {name: each for name, each in spoken["meta"].items() if name not in dialect.lacks}
    return spoken


def _move(element: Any, steps: list[str], move: Move) -> None:
    """In place, in every element that the path leads to; the order of the others stays."""
    if isinstance(element, list):
        for each in element:
            _move(each, steps, move)
    elif len(steps) > 1:
        _move(element.get(steps[0], []), steps[1:], move)
    elif not move.to:
        element.pop(steps[0], None)
    elif steps[0] in element:
        moved = element[steps[0]] if move.shape is None else move.shape(element[steps[0]])
        renamed = [(move.to, moved) if name == steps[0] else (name, each) for name, each in element.items()]
        element.clear()
        element.update(renamed)


def _spoken(node: Any, dialect: Dialect) -> Any:
    """A copy with the code systems of the dialect."""
    if isinstance(node, list):
        return [_spoken(each, dialect) for each in node]
    if not isinstance(node, dict):
        return node
    spoken = {name: _spoken(each, dialect) for name, each in node.items()}
    if spoken.get("system") in dialect.systems:
        instead = dialect.absent.get(spoken.get("code", ""), {}) if spoken["system"] == ABSENT else {}
        return spoken | instead | {"system": dialect.systems[spoken["system"]]}
    return spoken
