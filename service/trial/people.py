"""A number of patients and a trial's name in, their invented resources out, each after all that it refers to.

They are the sandbox's population under names of this trial alone, so that two trials on one server never meet: every
id and identifier begins with the name, and every resource bears it as a tag, beside the one for test data.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, islice
from typing import Any

import msgspec

from service.compose.canonical import INSTALLATION
from service.compose.content import encode
from service.sandbox import generate

MOST_OF_A_TYPE = 25  # of each patient's newest visits and bills: a sandbox is shared
ENOUGH = 1_000  # people to choose from
TEST_DATA = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}

Json = dict[str, Any]

_decoder = msgspec.json.Decoder(Json, float_hook=Decimal)
_REFERENCE = re.compile(rb'"reference":"([A-Za-z]+/[A-Za-z0-9.-]+)"')


@dataclass(frozen=True)
class Invented:
    """A resource to be made; `level` is 0 where it refers to nothing, else one more than what it refers to."""

    reference: str
    level: int
    body: bytes


def invented(patients: int, name: str) -> list[Invented]:
    """In an order in which each can be sent; the other way round, each can be deleted."""
    directory, people = _population(patients)
    kept: dict[str, bytes] = {}
    for person in people:
        kept |= _closed(person, directory)
    named = dict(chain.from_iterable(_needed(body, directory) for body in kept.values()))
    levels: dict[str, int] = {}
    everything = named | kept
    for reference in everything:
        _level(reference, everything, levels)
    made = [Invented(_renamed(each, name), levels[each], _own(everything[each], name)) for each in everything]
    return sorted(made, key=lambda each: each.level)


def _population(patients: int) -> tuple[dict[str, bytes], list[dict[str, bytes]]]:
    """The organizations and clinicians, and the first people with one record each: a merge refers in a circle."""
    bodies = generate(ENOUGH)
    directory: dict[str, bytes] = {}
    for body in bodies:
        if _reference(body).startswith("Patient/"):
            return directory, list(islice(_people(chain([body], bodies)), patients))
        directory[_reference(body)] = body
    raise AssertionError("the population has patients")


def _people(bodies: Iterable[bytes]) -> Iterator[dict[str, bytes]]:
    person: dict[str, bytes] = {}
    for body in bodies:
        reference = _reference(body)
        if reference.startswith("Patient/"):
            if person and not _merged(person):
                yield person
            person = {}
        person[reference] = body


def _merged(person: dict[str, bytes]) -> bool:
    return any(each.startswith("Patient/") and b'"link":' in body for each, body in person.items())


def _closed(person: dict[str, bytes], directory: dict[str, bytes]) -> dict[str, bytes]:
    """The newest of each type, as far as nothing refers to what was left out."""
    counts: Counter[str] = Counter()
    kept: dict[str, bytes] = {}
    for reference in reversed(person):
        counts[_type(reference)] += 1
        if counts[_type(reference)] <= MOST_OF_A_TYPE:
            kept[reference] = person[reference]
    while dangling := [each for each, body in kept.items() if not _named(body) <= kept.keys() | directory.keys()]:
        for each in dangling:
            del kept[each]
    return kept


def _needed(body: bytes, directory: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    for reference in sorted(_named(body) & directory.keys()):
        yield from _needed(directory[reference], directory)
        yield reference, directory[reference]


def _level(reference: str, everything: dict[str, bytes], levels: dict[str, int]) -> int:
    if reference not in levels:
        below = [_level(each, everything, levels) for each in _named(everything[reference])]
        levels[reference] = 1 + max(below, default=-1)
    return levels[reference]


def _own(body: bytes, name: str) -> bytes:
    resource: Json = _decoder.decode(body)
    labels = {"security": resource["meta"]["security"]} if "security" in resource["meta"] else {}
    resource["meta"] = labels | {"tag": [{"system": INSTALLATION, "code": name}, TEST_DATA]}
    resource["id"] = f"{name}-{resource['id']}"
    for identifier in resource.get("identifier", []):
        identifier["value"] = f"{name}-{identifier['value']}"
    return _REFERENCE.sub(
        lambda found: b'"reference":"%s"' % _renamed(found[1].decode(), name).encode(), encode(resource)
    )


def _renamed(reference: str, name: str) -> str:
    kind, _, own = reference.partition("/")
    return f"{kind}/{name}-{own}"


def _named(body: bytes) -> set[str]:
    return {found.decode() for found in _REFERENCE.findall(body)}


def _type(reference: str) -> str:
    return reference.partition("/")[0]


class _Head(msgspec.Struct):
    resourceType: str
    id: str


_head = msgspec.json.Decoder(_Head)


def _reference(body: bytes) -> str:
    head = _head.decode(body)
    return f"{head.resourceType}/{head.id}"
