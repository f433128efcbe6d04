"""Patient links in, for each linked record the surviving record out.

Union-find over `replaced-by` and `replaces`; `seealso` and `refer` merge nothing.
The survivor is the record that no other replaces. Where a cycle leaves none (or a fork several): an active one, then
the smallest id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

from service.lake import read_json

Replacement = tuple[str, str]  # the record replaced, and the one that replaces it


def survivors(links: Iterable[tuple[str, str, str]], inactive: set[str]) -> dict[str, str]:
    """`links` are (patient, type, other); the answer names every record that takes part in a merge."""
    replaced = set(_replacements(links))
    gone = {old for old, _ in replaced}
    survivor = {}
    for group in _groups(replaced):
        chosen = min(group - gone or group, key=lambda patient: (patient in inactive, patient))
        survivor.update(dict.fromkeys(group, chosen))
    return survivor


def persons(profiles: Path, ids: Sequence[str]) -> list[str]:
    """These ids of Patients, and those of all records that go by the same survivor."""
    survivor = cast("dict[str, str]", read_json(profiles / "profiles.json", "derive")["merged"])
    asked = {survivor.get(f"Patient/{each}", f"Patient/{each}") for each in ids}
    records = [*asked, *(old for old, new in survivor.items() if new in asked)]
    return list(dict.fromkeys([*ids, *sorted(each.removeprefix("Patient/") for each in records)]))


def _replacements(links: Iterable[tuple[str, str, str]]) -> Iterable[Replacement]:
    for patient, kind, other in links:
        if kind == "replaced-by":
            yield patient, other
        elif kind == "replaces":
            yield other, patient


def _groups(pairs: Iterable[Replacement]) -> list[set[str]]:
    parent: dict[str, str] = {}
    for old, new in pairs:
        parent[_root(parent, old)] = _root(parent, new)
    groups = defaultdict(set)
    for patient in list(parent):
        groups[_root(parent, patient)].add(patient)
    return list(groups.values())


def _root(parent: dict[str, str], patient: str) -> str:
    parent.setdefault(patient, patient)
    while parent[patient] != patient:
        parent[patient] = parent[parent[patient]]  # halve the path, so that long chains stay short
        patient = parent[patient]
    return patient
