"""What a hospital adds of its own: where its views and measures are, and under which name their codes go."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from fhir_profiles import CANONICAL

SYSTEM = re.compile(r"(https?://|urn:(uuid|oid):)[^\s|#]+")


class Own(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path | None = Field(
        default=None, description="ViewDefinitions (*.json) and measures (*.py), which are run as the code they are"
    )
    system: str = Field(
        default="", description="the hospital's code system of its measures, such as https://hospital.example/measures"
    )

    @field_validator("system")
    @classmethod
    def _is_their_own(cls, system: str) -> str:
        if system and not SYSTEM.fullmatch(system):
            raise ValueError(f"{system!r} is no address of a code system, such as https://hospital.example/measures")
        if system.startswith(CANONICAL):
            raise ValueError(f"{system} is a published code system, to which nobody adds; name one of the hospital's")
        return system

    @model_validator(mode="after")
    def _has_a_folder(self) -> Self:
        if self.system and self.folder is None:
            raise ValueError("own.system without own.folder: name the folder of the measures as well")
        return self
