"""policy.toml in, validated rules out; what does not fit is told with its place."""

from __future__ import annotations

import hashlib
import tomllib
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from service.derive.catalogue import BY_CODE, FAMILIES
from service.errors import WrongUsage

AT_LEAST, BELOW, OLDER = ">=", "<", "older-than-months"
STANDARD = "standard"
# Codes of personalization-rationale beyond the names of the measures.
ED_FREQUENT = "ed-frequent"
RATIONALES = (*(family.code for family in FAMILIES), ED_FREQUENT)

Level = Literal["standard", "enhanced", "intensive"]
Raised = Literal["enhanced", "intensive"]
Pathway = Literal[
    "preferred-scheduling", "proactive-outreach", "usual-clinician", "care-coordination",
    "claims-concierge", "financial-navigation", "interpreter", "accessible-visit",
]  # fmt: skip


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(_Part):
    """Fires when the measure is known and compares as said; `older-than-months` also when none was ever recorded."""

    measure: str
    comparator: Literal[">=", "<", "older-than-months"]
    threshold: Decimal
    source: str = Field(min_length=1)
    rationale: str = ""
    min_denominator: int | None = None
    min_age_years: int | None = None

    @field_validator("measure")
    @classmethod
    def _is_derived(cls, measure: str) -> str:
        if measure not in BY_CODE:
            raise ValueError(f"no measure is called {measure}; there are {', '.join(BY_CODE)}")
        return measure

    @field_validator("rationale")
    @classmethod
    def _has_a_meaning(cls, rationale: str) -> str:
        if rationale and rationale not in RATIONALES:
            raise ValueError(f"no rationale is called {rationale}; there are {', '.join(RATIONALES)}")
        return rationale

    @model_validator(mode="after")
    def _compares_what_can_be_compared(self) -> Rule:
        dated = BY_CODE[self.measure].unit == "date"
        if dated != (self.comparator == OLDER):
            fitting = OLDER if dated else f"{AT_LEAST} or {BELOW}"
            raise ValueError(f"{self.measure} compares by {fitting}, not by {self.comparator}")
        if dated and self.threshold % 1:
            raise ValueError("months are whole")
        return self

    @property
    def rationale_code(self) -> str:
        return self.rationale or BY_CODE[self.measure].code


class LevelRow(_Part):
    name: Raised
    any: tuple[Rule, ...] = Field(min_length=1)


class PathwayRow(_Part):
    """`levels` give the pathway by themselves, with the rationale that gave the level."""

    name: Pathway
    levels: tuple[Level, ...] = ()
    any: tuple[Rule, ...] = ()


class Policy(_Part):
    """`level` rows in the order in which they are tried; `hash` is of the file's bytes."""

    version: str = Field(min_length=1)
    level: tuple[LevelRow, ...]
    pathway: tuple[PathwayRow, ...]
    hash: str

    @classmethod
    def load(cls, path: Path | None = None) -> Policy:
        """The policy at `path`, or the one that ships with the service."""
        where = str(path) if path else "the shipped policy.toml"
        try:
            content = path.read_bytes() if path else files(__package__).joinpath("policy.toml").read_bytes()
            rules = tomllib.loads(content.decode("utf-8"))
            return cls.model_validate(rules | {"hash": f"sha256:{hashlib.sha256(content).hexdigest()}"})
        except OSError as error:
            raise WrongUsage("the policy cannot be read", where=where, do="name a file that is there") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise WrongUsage(f"the policy is no TOML: {error}", where=where, do="correct it there") from error
        except ValidationError as error:
            raise _misfit(error, where) from error


def _misfit(error: ValidationError, where: str) -> WrongUsage:
    """The first thing wrong, by the path that leads to it: level[0].any[1].measure"""
    first = error.errors()[0]
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"]).lstrip(".")
    return WrongUsage(
        f"the policy does not fit: {first['msg'].removeprefix('Value error, ')}",
        where=f"{where}: {place}",
        do="correct it there",
    )
