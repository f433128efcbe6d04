"""A FHIR version and a name go in, the definitions of the standardized profile come out, as parsed JSON.

The definitions are written in `fsh/`; `build.sh` makes of them a folder and a `package.tgz` for each FHIR version.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from importlib import import_module
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

__all__ = ["CANONICAL", "FOLDERS", "UnknownArtefact", "artefacts", "examples", "folder", "load", "read_profile"]

CANONICAL = "https://w3id.org/fhir-personalization"

FOLDERS = {"STU3": "stu3", "R4": "r4", "R4B": "r4", "R5": "r5"}  # where the definitions for a release are
_VERSIONS = ("stu3", "r4", "r5")

# A server that checks references takes them in this order: a value set names its code system, a profile both. The
# measures are those that reports name.
_ORDER = (
    *("CodeSystem", "ValueSet", "StructureDefinition", "ConceptMap", "SearchParameter", "OperationDefinition"),
    *("CapabilityStatement", "Measure"),
)


def __getattr__(name: str) -> Any:
    """`fhir_profiles.read_profile` needs pydantic, which who only loads definitions does without."""
    if name == "read_profile":
        return import_module("fhir_profiles.read").read_profile
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class UnknownArtefact(KeyError):
    """No definition has that version and name, or several have the name; the message lists what there is."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would show the message in quotes, as if it were a key


def load(version: str, name: str) -> dict[str, Any]:
    """The one definition with this id, such as `load("r4", "patient-personalization")`.

    Where a profile, a code system and a value set share an id, the type says which is meant:
    `load("r4", "CodeSystem/personalization-measure")`. Raises UnknownArtefact.
    """
    known = {f"{one['resourceType']}/{one['id']}": one for one in artefacts(version)}
    found = [key for key in known if name in (key, key.partition("/")[2])]
    if len(found) != 1:
        what = f"several definitions are called {name!r}" if found else f"no definition is called {name!r}"
        raise UnknownArtefact(f"{what} in {version}: ask for one of {', '.join(found or known)}")
    return known[found[0]]


def artefacts(version: str) -> Iterator[dict[str, Any]]:
    """Every CodeSystem, ValueSet, StructureDefinition and so on: an order in which a server takes them."""
    definitions = list(_resources(folder(version)))
    for kind in _ORDER:
        yield from (one for one in definitions if one["resourceType"] == kind)


def examples(version: str) -> Iterator[dict[str, Any]]:
    """Resources of invented patients that obey the definitions; decimals are Decimal."""
    yield from _resources(folder(version) / "examples")


def folder(version: str) -> Traversable:
    """Where the files of this version are: stu3, r4 or r5. UnknownArtefact."""
    compiled = [known for known in _VERSIONS if (files(__name__) / known).is_dir()]
    if version not in compiled:
        raise UnknownArtefact(f"no definitions for FHIR version {version!r}: ask for one of {', '.join(compiled)}")
    return files(__name__) / version


def _resources(folder: Traversable) -> Iterator[dict[str, Any]]:
    for place in sorted(folder.iterdir(), key=lambda place: place.name):
        if place.name.endswith(".json"):
            yield json.loads(place.read_text(encoding="utf-8"), parse_float=Decimal)
