"""policy.toml in, validated rules out; what does not fit is told with its place."""

from __future__ import annotations

import hashlib
import tomllib
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from service.derive.conflicts import conflicts
from service.derive.rules import LevelRow, Part, PathwayRow
from service.errors import WrongUsage


class Policy(Part):
    """`level` rows in the order in which they are tried; `hash` is of the file's bytes.

    `languages` are those that need no interpreter here, as BCP 47 codes without a region.
    """

    version: str = Field(min_length=1)
    languages: tuple[str, ...] = ()
    level: tuple[LevelRow, ...]
    pathway: tuple[PathwayRow, ...]
    hash: str

    @property
    def rows(self) -> tuple[LevelRow | PathwayRow, ...]:
        return (*self.level, *self.pathway)

    @classmethod
    def load(cls, path: Path | None = None) -> Policy:
        """The policy at `path`, or the one that ships with the service."""
        where = str(path) if path else "the shipped policy.toml"
        try:
            content = path.read_bytes() if path else files(__package__).joinpath("policy.toml").read_bytes()
            rules = tomllib.loads(content.decode("utf-8"), parse_float=Decimal)
            policy = cls.model_validate(rules | {"hash": f"sha256:{hashlib.sha256(content).hexdigest()}"})
        except OSError as error:
            raise WrongUsage("the policy cannot be read", where=where, do="name a file that is there") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise WrongUsage(f"the policy is no TOML: {error}", where=where, do="correct it there") from error
        except ValidationError as error:
            raise _misfit(error, where) from error
        return policy.without_conflicts(where)

    def without_conflicts(self, where: str) -> Policy:
        """Itself, when every rule can matter."""
        for place, what in conflicts(self.level, self.pathway):
            raise WrongUsage(f"the policy does not fit: {what}", where=f"{where}: {place}", do="correct it there")
        return self

    def document(self) -> dict[str, Any]:
        """The rules as JSON; thresholds as text, so that no digit is lost."""
        return self.model_dump(mode="json")


def _misfit(error: ValidationError, where: str) -> WrongUsage:
    """The first thing wrong, by the path that leads to it: level[0].any[1].measure"""
    first = error.errors()[0]
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"]).lstrip(".")
    return WrongUsage(
        f"the policy does not fit: {first['msg'].removeprefix('Value error, ')}",
        where=f"{where}: {place}",
        do="correct it there",
    )
