"""A FHIR version in, its definitions and examples as a FHIR package out, as servers and validators load any guide.

    python -m fhir_profiles.package VERSION FILE

https://hl7.org/fhir/packages.html. The same files give the same bytes: nothing in it tells when or where it was made.
"""

import gzip
import io
import json
import sys
import tarfile
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from fhir_profiles import CANONICAL, folder

__all__ = ["packed"]

_CORE = {
    "stu3": ("3.0.2", "hl7.fhir.r3.core"),
    "r4": ("4.0.1", "hl7.fhir.r4.core"),
    "r5": ("5.0.0", "hl7.fhir.r5.core"),
}
_INDEXED = ("resourceType", "id", "url", "version", "kind", "type")


def packed(version: str) -> bytes:
    """`package.tgz` of this version; UnknownArtefact for another than stu3, r4, r5."""
    definitions = list(_files(folder(version)))
    examples = list(_files(folder(version) / "examples"))
    members = {
        "package/package.json": _encoded(_manifest(version, definitions)),
        "package/.index.json": _encoded(_index(definitions)),
        **{f"package/{each.name}": each.read_bytes() for each in definitions},
        "package/example/.index.json": _encoded(_index(examples)),
        **{f"package/example/{each.name}": each.read_bytes() for each in examples},
    }
    return gzip.compress(_archive(members), mtime=0)


def _files(place: Traversable) -> Iterator[Traversable]:
    return (each for each in sorted(place.iterdir(), key=lambda each: each.name) if each.name.endswith(".json"))


def _manifest(version: str, definitions: list[Traversable]) -> dict[str, Any]:
    """The package bears the version of the definitions in it."""
    (released,) = {json.loads(each.read_text("utf-8")).get("version") for each in definitions}
    fhir_version, core = _CORE[version]
    return {
        "name": f"fhir-personalization.{version}",
        "version": released,
        "canonical": CANONICAL,
        "url": CANONICAL,
        "title": "The standardized personalization profile",
        "description": "Extensions, profiles, terminology and search parameters of one personalization profile.",
        "author": "fhir-personalization",
        "license": "Apache-2.0",
        "type": "IG",
        "fhirVersions": [fhir_version],
        "dependencies": {core: fhir_version},
        "directories": {"lib": "package", "example": "example"},
    }


def _index(files: list[Traversable]) -> dict[str, Any]:
    return {"index-version": 2, "files": [_entry(each) for each in files]}


def _entry(file: Traversable) -> dict[str, Any]:
    resource = json.loads(file.read_text("utf-8"))
    return {"filename": file.name, **{name: resource[name] for name in _INDEXED if isinstance(resource.get(name), str)}}


def _encoded(document: dict[str, Any]) -> bytes:
    return f"{json.dumps(document, indent=2)}\n".encode()


def _archive(members: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return held.getvalue()


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(packed(sys.argv[1]))
