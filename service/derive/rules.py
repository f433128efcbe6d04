"""One rule of a policy as data: what it reads, what it compares with, where the threshold comes from."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from service.compose.canonical import NO_CURRENCY
from service.derive.catalogue import BY_CODE, FAMILIES

AT_LEAST, BELOW, OLDER = ">=", "<", "older-than-months"
VALUE: Literal["value"] = "value"
MONTHS, COUNT, DATE = "mo", "1", "date"
STANDARD = "standard"
MONEY = "affordability"
RATIONALES = tuple(family.code for family in FAMILIES)
CURRENCY = re.compile("[A-Z]{3}")

Level = Literal["standard", "enhanced", "intensive"]
Raised = Literal["enhanced", "intensive"]
Pathway = Literal[
    "preferred-scheduling", "proactive-outreach", "usual-clinician", "care-coordination",
    "claims-concierge", "financial-navigation", "interpreter", "accessible-visit",
]  # fmt: skip
Need = Literal["interpreter", "language", "disability"]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(Part):
    """Holds when the measure is known and compares as said; `older-than-months` also when none was ever recorded.

    `of` compares the measure's numerator or denominator instead of its value. `unit` is filled in where only one fits:
    money needs its currency.
    """

    measure: str
    of: Literal["value", "numerator", "denominator"] = VALUE
    comparator: Literal[">=", "<", "older-than-months"]
    threshold: Decimal = Field(gt=0)
    unit: str = ""

    @field_validator("measure")
    @classmethod
    def _is_derived(cls, measure: str) -> str:
        return _known(measure)

    @model_validator(mode="after")
    def _compares_what_can_be_compared(self) -> Condition:
        dated = self._natural_unit == MONTHS
        if dated != (self.comparator == OLDER):
            fitting = OLDER if dated else f"{AT_LEAST} or {BELOW}"
            raise ValueError(f"{self.measure} compares by {fitting}, not by {self.comparator}")
        if dated and self.threshold % 1:
            raise ValueError("months are whole")
        return self

    @model_validator(mode="after")
    def _is_in_the_measures_unit(self) -> Condition:
        natural = self._natural_unit
        if natural == NO_CURRENCY and not (CURRENCY.fullmatch(self.unit) and self.unit != NO_CURRENCY):
            given = f"not in {self.unit}" if self.unit else "and none is given"
            raise ValueError(f"{self.measure} is in a currency such as USD, {given}")
        if self.unit and natural not in (self.unit, NO_CURRENCY):
            raise ValueError(f"{self.measure} is in {natural}, not in {self.unit}")
        return self

    @property
    def in_unit(self) -> str:
        """The unit of the threshold."""
        return self.unit or self._natural_unit

    @property
    def _natural_unit(self) -> str:
        unit = BY_CODE[self.measure].unit if self.of == VALUE else COUNT
        return MONTHS if unit == DATE else unit


class Rule(Condition):
    """Fires when it holds and everything `provided` holds as well.

    `instead` is read for patients of whom `measure` is unknown, and the reason then names it. `source` is the citation
    of the threshold, or "own choice".
    """

    source: str = Field(min_length=1)
    rationale: str = ""
    provided: tuple[Condition, ...] = ()
    instead: str = ""
    min_age_years: int | None = Field(default=None, ge=1)

    @field_validator("rationale")
    @classmethod
    def _has_a_meaning(cls, rationale: str) -> str:
        if rationale and rationale not in RATIONALES:
            raise ValueError(f"no rationale is called {rationale}; there are {', '.join(RATIONALES)}")
        return rationale

    @field_validator("instead")
    @classmethod
    def _is_derived_as_well(cls, instead: str) -> str:
        return _known(instead) if instead else instead

    @property
    def rationale_code(self) -> str:
        return self.rationale or BY_CODE[self.measure].code


class LevelRow(Part):
    name: Raised
    any: tuple[Rule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _reads_no_money(self) -> LevelRow:
        """Spending is no need: it may lead to a pathway, never to a level."""
        for condition in (each for rule in self.any for each in (rule, *rule.provided)):
            if BY_CODE[condition.measure].dimension == MONEY:
                raise ValueError(f"{condition.measure} is about money or claims, which give no level")
        return self


class PathwayRow(Part):
    """`levels` give the pathway by themselves, with the rationale that gave the level; so does a need that is
    `recorded` of the patient, which is an accommodation and gives no rationale."""

    name: Pathway
    levels: tuple[Level, ...] = ()
    any: tuple[Rule, ...] = ()
    recorded: tuple[Need, ...] = ()

    @model_validator(mode="after")
    def _can_be_given(self) -> PathwayRow:
        if not (self.levels or self.any or self.recorded):
            raise ValueError(f"{self.name} is never given: it names no level, no rule and no need recorded")
        return self


def _known(measure: str) -> str:
    if measure not in BY_CODE:
        raise ValueError(f"no measure is called {measure}; there are {', '.join(BY_CODE)}")
    return measure
