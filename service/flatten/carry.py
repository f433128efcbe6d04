"""Raw files and settings in; the earlier run whose facts are the same, because all that they rest on is, out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from service.errors import LakeProblem
from service.lake import committed, linked, read_json, same_files
from service.raw import LINES

SOURCES = (".py", ".toml")
SMALL = 1 << 20  # bytes; larger files are the same only where they are one file with two names
REPORT = "facts.json"


@dataclass(frozen=True)
class Earlier:
    """The directories of another run of the same source."""

    raw: Path
    facts: Path


@dataclass(frozen=True)
class Followed(Earlier):
    """The run whose lines the pull took over, and what its facts tell of themselves."""

    report: dict[str, Any]


def followed(manifest: Mapping[str, Any], basis: Mapping[str, Any], runs: Iterable[Earlier]) -> Followed | None:
    """None where its facts are gone, or rest on anything else than now."""
    for earlier in runs:
        if earlier.raw.name == manifest.get("follows"):
            report = _report(earlier)
            return Followed(earlier.raw, earlier.facts, report) if report and report.get("basis") == basis else None
    return None


def carried(raw: Path, facts: Path, basis: Mapping[str, Any], runs: Iterable[Earlier]) -> dict[str, Any] | None:
    """Its tables stand under this run's name too; returns their report. None where every run differs."""
    for earlier in runs:
        report = _report(earlier)
        if report and report.get("basis") == basis and _same_lines(raw, earlier.raw):
            with committed(facts) as part:
                for file in earlier.facts.iterdir():
                    linked(file, part / file.name)
            return report
    return None


def _same_lines(raw: Path, earlier: Path) -> bool:
    return all(same_files(raw, earlier, each, SMALL) for each in LINES)


def basis(manifest: Mapping[str, Any], **settings: Any) -> dict[str, Any]:
    """What decides of facts beside the resources."""
    types = manifest.get("types", {})
    unknown = {name: each.get("unknown") for name, each in types.items()}
    told = {name: manifest.get(name) for name in ("base", "stated_base", "fhir_version")}
    return {"algorithm": algorithm(), "unknown": unknown, **told, **settings}


@cache
def algorithm() -> str:
    """A digest of this package: any change of a definition changes it."""
    digest = hashlib.sha256()
    for name, content in sorted(_sources(files(__package__), "")):
        digest.update(name.encode() + content)
    return f"sha256:{digest.hexdigest()}"


def _sources(folder: Traversable, below: str) -> Iterable[tuple[str, bytes]]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _sources(each, f"{below}{each.name}/")
        elif each.name.endswith(SOURCES):
            yield f"{below}{each.name}", each.read_bytes()


def _report(earlier: Earlier) -> dict[str, Any] | None:
    try:
        return read_json(earlier.facts / REPORT, "flatten")
    except LakeProblem:
        return None
