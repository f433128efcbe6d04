"""One run of the lake in, what every report of it rests on and has to say out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import ibis.expr.types as ir
import msgspec

from service.compose.edition import Edition
from service.engine import Engine
from service.errors import LakeProblem
from service.lake import read_json


class _Manifest(msgspec.Struct):
    """What we need of the pull's manifest.json; a pull that does not say is taken for a restricted one."""

    limited: bool = True
    scope: str = ""
    incomplete: bool = False


@dataclass(frozen=True)
class Basis:
    """`base` is the server's address. `opens`: window code to the instant it begins at. `limited`: not every patient of
    the server was read.
    """

    run: str
    base: str
    raw: Path
    facts: Path
    profiles: Path
    edition: Edition
    opens: Mapping[str, datetime]
    limited: bool

    @property
    def as_of(self) -> str:
        return self.edition.as_of.isoformat()

    @property
    def notes(self) -> list[str]:
        """What a reader must know before comparing anybody with everybody."""
        if not self.limited:
            return []
        return ["this was a restricted pull: all numbers are of the patients read, not of all patients of the source"]

    def people(self, engine: Engine) -> ir.Table:
        return engine.read_parquet(self.profiles / "profiles.parquet")

    def measured(self, engine: Engine, code: str) -> ir.Table:
        """The rows of one measure; none where this run did not derive it."""
        measures = engine.read_parquet(self.profiles / "measures.parquet")
        return measures.filter(measures.code == code)

    def derived(self, engine: Engine, code: str) -> bool:
        rows = self.measured(engine, code)
        return bool(engine.row(rows.limit(1).agg(n=rows.limit(1).count()))["n"])


def limited(raw: Path) -> bool:
    """Whether the pull left patients of the server out; where nothing is left of it to say so, it may have."""
    return _manifest(raw).limited


def whole(raw: Path) -> bool:
    """Whether it was of all that the source is about: the server's patients, or those of its Group."""
    pulled = _manifest(raw)
    return not pulled.limited or (bool(pulled.scope) and not pulled.incomplete)


def _manifest(raw: Path) -> _Manifest:
    if not (raw / "manifest.json").is_file():
        return _Manifest(limited=True)
    try:
        return msgspec.convert(read_json(raw / "manifest.json", "pull"), _Manifest)
    except msgspec.ValidationError as error:
        raise LakeProblem(f"manifest.json: {error}", where=str(raw), do="run `personalize pull` again") from error
