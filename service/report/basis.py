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
        return engine.any(self.measured(engine, code))


def limited(raw: Path) -> bool:
    """Whether the pull left patients out; where nothing is left of it to say so, it may have."""
    if not (raw / "manifest.json").is_file():
        return True
    try:
        return msgspec.convert(read_json(raw / "manifest.json", "pull"), _Manifest).limited
    except msgspec.ValidationError as error:
        raise LakeProblem(f"manifest.json: {error}", where=str(raw), do="run `personalize pull` again") from error
