"""The map of one resource of one version: which elements it has in JSON, and what the facts' elements are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis.expr.types as ir

Made = Callable[[ir.Table], ir.Value]


@dataclass(frozen=True)
class Shape:
    """`reads`: elements of this version, with their Ibis types, that R4 lacks or has otherwise. `makes`: R4's elements
    out of them."""

    reads: Mapping[str, str] = field(default_factory=dict)
    makes: Mapping[str, Made] = field(default_factory=dict)

    def columns(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """What has to be read so that `wanted`, which is R4's, can be made."""
        as_they_stand = {name: dtype for name, dtype in wanted.items() if name not in self.makes}
        return {**as_they_stand, **self.reads}

    def as_r4(self, resource: ir.Table, wanted: Mapping[str, str]) -> ir.Table:
        """The columns `wanted`, of the types that it says."""
        if not self.makes:
            return resource
        made = {name: make(resource).cast(wanted[name]) for name, make in self.makes.items() if name in wanted}
        return resource.select(**{name: made[name] if name in made else resource[name] for name in wanted})
