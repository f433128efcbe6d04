"""adjudication.toml, and a hospital's additions to it, in; what each category of an adjudication means out."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.errors import WrongUsage

Meaning = Literal[
    "submitted", "allowed", "benefit", "paid-to-provider", "paid-to-patient",
    "member-liability", "copay", "deductible", "coinsurance",
    "paid-by-patient", "paid-by-patient-cash", "paid-by-patient-other", "denied",
]  # fmt: skip


class _Include(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    meaning: Meaning
    name: str = ""
    system: tuple[str, ...] = Field(min_length=1)
    code: tuple[str, ...] = Field(min_length=1)


class _ValueSet(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    include: tuple[_Include, ...]

    def meanings(self) -> dict[str, Meaning]:
        return {
            f"{system}|{code}": each.meaning for each in self.include for system in each.system for code in each.code
        }


class Categories:
    """`meanings` by `system|code`."""

    def __init__(self, meanings: Mapping[str, Meaning]) -> None:
        self.meanings = meanings

    @classmethod
    def load(cls, path: Path | None = None) -> Categories:
        """The value set that ships with the service; the one at `path` adds to it and goes before it."""
        shipped = _read(files(__package__).joinpath("adjudication.toml").read_text("utf-8"), "adjudication.toml")
        return cls(shipped | (_read(_text(path), str(path)) if path else {}))

    def meaning(self, codes: Sequence[str]) -> Meaning | None:
        """Of a category with several codings the first that is known."""
        return next((self.meanings[code] for code in codes if code in self.meanings), None)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(
            "the adjudications cannot be read", where=str(path), do="name a file in UTF-8 that is there"
        ) from error


def _read(text: str, where: str) -> dict[str, Meaning]:
    try:
        return _ValueSet.model_validate(tomllib.loads(text)).meanings()
    except tomllib.TOMLDecodeError as error:
        raise WrongUsage(f"the adjudications are no TOML: {error}", where=where, do="correct it there") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise WrongUsage(
            f"the adjudications do not fit: {first['msg']}", where=f"{where}: {place}", do="correct it there"
        ) from error
