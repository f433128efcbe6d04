"""A view's file, where the lines lie and what is wanted in; the table's file out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from service.engine import DUCKDB, Engine, Kind
from service.errors import WrongUsage
from service.flatten.views.definition import Definition, read_definition
from service.flatten.views.runner import Flattened, Format, write_view
from service.lake import read_json

USUAL = "R4"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Request:
    """`place` is a directory or an NDJSON file. Without `out` the file is named after the view, here; without `version`
    it is the one that was pulled, or the one that the view names, or R4."""

    view: Path
    place: Path
    to: Format = "parquet"
    out: Path | None = None
    version: str | None = None
    computed_by: Kind = DUCKDB


def flatten_view(request: Request) -> Flattened:
    definition = read_definition(request.view)
    out = request.out or Path(f"{definition.name or request.view.stem}.{request.to}")
    version = _version(request, definition)
    try:
        with Engine.open(out.with_name(f"{out.name}.spill"), request.computed_by) as engine:
            return write_view(definition, request.place, version, engine, out, request.to)
    except OSError as error:
        raise WrongUsage(
            f"the table cannot be written: {error.strerror}", where=str(out), do="name another place with --out"
        ) from error


def _version(request: Request, definition: Definition) -> str:
    pulled = request.place / MANIFEST
    told = read_json(pulled, "pull").get("fhir_version") if pulled.is_file() else None
    return request.version or str(told or next(iter(definition.versions), USUAL))
