"""A hospital's folder of ViewDefinitions in, what its further fact tables are made by out. `own_tables` makes them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from service.errors import WrongUsage

if TYPE_CHECKING:
    from service.flatten.views.definition import Definition


@dataclass(frozen=True)
class OwnViews:
    """By the name of each one's table, in that order. A run without any needs no grammar of FHIRPath."""

    definitions: tuple[Definition, ...] = ()

    @classmethod
    def read(cls, folder: Path | None) -> OwnViews:
        """Raises WrongUsage for a view that is none, whatever the version of FHIR."""
        if folder is None:
            return cls()
        if not folder.is_dir():
            raise WrongUsage("there is no such folder", where=f'own.folder = "{folder}"', do="correct that setting")
        files = sorted(folder.glob("*.json"))
        return cls(_checked(files) if files else ())

    @property
    def types(self) -> tuple[str, ...]:
        """What has to be pulled for them."""
        return tuple(sorted({each.resource for each in self.definitions}))

    @cached_property
    def digest(self) -> str:
        """Of all that they say: with another one facts are other facts. Empty where there are none."""
        said = "".join(each.model_dump_json() for each in self.definitions)
        return f"sha256:{hashlib.sha256(said.encode()).hexdigest()}" if said else ""

    def check(self, version: str) -> None:
        """Raises WrongUsage for one that makes no facts of resources of this version of FHIR."""
        if self.definitions:
            from service.flatten.own_views import compiles

            for each in self.definitions:
                compiles(each, version)


def _checked(files: list[Path]) -> tuple[Definition, ...]:
    from service.flatten.own_views import named

    found = sorted(map(named, files), key=lambda each: str(each.name))
    for one, other in pairwise(found):
        if one.name == other.name:
            raise WrongUsage(
                f"two views are called {one.name}", where=f"{one.place}, {other.place}", do="give one another name"
            )
    return tuple(found)
