"""NDJSON in; out comes a copy with the resources of one type alone and each decimal as the text that was written.

Slow: only for views that need every digit, and for files in which the fast reader met what it cannot read.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import ibis.expr.datatypes as dt
import msgspec

from service.errors import WrongUsage
from service.flatten.lines import misfit
from service.flatten.views.view import TYPE, View

REMEDY = "mend that line, or take it out"


@contextmanager
def transcribed(files: list[Path], view: View, scratch: Path) -> Iterator[Path]:
    """The copy's path, as long as it is needed. Raises WrongUsage at the first line that is no such resource."""
    copy = scratch / f"{uuid4().hex}.ndjson"
    try:
        with copy.open("wb") as into:
            for file in files:
                into.writelines(_lines(file, view))
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def _lines(file: Path, view: View) -> Iterator[bytes]:
    decoder, shape = msgspec.json.Decoder(float_hook=str), dt.Struct(view.columns)
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            resource = _resource(line, decoder, f"{file} line {number}") if line.strip() else None
            if resource is not None and resource.get(TYPE) == view.resource:
                _check(resource, shape, f"{file} line {number}")
                yield msgspec.json.encode({name: resource[name] for name in view.columns if name in resource}) + b"\n"


def _resource(line: bytes, decoder: Any, where: str) -> dict[str, Any]:
    try:
        resource = decoder.decode(line)
    except msgspec.DecodeError as error:
        raise WrongUsage("the line is no JSON", where=where, do=REMEDY) from error
    if not isinstance(resource, dict):
        raise WrongUsage("the line is no resource", where=where, do=REMEDY)
    return resource


def _check(resource: dict[str, Any], shape: dt.Struct, where: str) -> None:
    element = misfit(resource, shape, "")
    if element:
        raise WrongUsage(f"{element} does not have the shape that FHIR gives it", where=where, do=REMEDY)
