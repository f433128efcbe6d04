"""The facts of the run that a pull followed and the lines that changed since in; the facts of all lines out.

What changed is flattened alone, as it was and as it is: its rows go out of each table and in. Where a line that changed
may say something about the rows of others, all lines are flattened instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import msgspec

from service.engine import Engine
from service.flatten.changed import Changed
from service.flatten.facts import STRAY
from service.lake import CHANGED, linked

ABOUT_OTHERS = ("Group", "PractitionerRole")  # who opted out, and which clinician a visit is with
IDS = {"resource": "string", "id": "string"}

Report = dict[str, Any]
NOTHING: Report = {"set_aside": [], "duplicates": {}, "notes": {}}


@dataclass(frozen=True)
class Partly:
    """`before` are the facts of the run followed, `told` what they tell of themselves, `owners` the resource types of
    each table. `some` makes the tables of the lines in one directory in another, and tells of them.
    """

    before: Path
    told: Report
    changed: Changed
    owners: Mapping[str, Collection[str]]
    engine: Engine
    some: Callable[[Path, Path], Report]

    def into(self, facts: Path) -> Report | None:
        """What facts.json says of all; None where all lines have to be flattened."""
        if {*ABOUT_OTHERS} & {*self.changed.types} or not all(map(_named, self.told["set_aside"])):
            return None
        gone, new = self.changed.went.with_name("gone"), self.changed.came.with_name("new")
        went = self.some(self.changed.went, gone) if self.changed.anything_went else NOTHING
        came = self.some(self.changed.came, new)
        if went["set_aside"] or not all(map(_named, came["set_aside"])) or self._repeated(went, came):
            return None
        if "Patient" in self.changed.types and self._about_others(gone, new):
            return None
        report = self._report(went, came, self._tables(new, facts))
        with (facts / CHANGED).open("wb") as file:
            file.writelines(msgspec.json.encode(each) + b"\n" for each in self.changed.ids())
        return report

    def _repeated(self, *told: Report) -> bool:
        return any(each["duplicates"].get(name) for each in (self.told, *told) for name in self.changed.types)

    def _about_others(self, gone: Path, new: Path) -> bool:
        """A patient who is there no more leaves rows without one; one who came may be whom rows waited for."""
        now = self.engine.read_parquet(new / "patients.parquet")
        then = self.engine.read_parquet(gone / "patients.parquet") if self.changed.anything_went else now.limit(0)
        waiting = any(each["why"] == STRAY for each in self.told["set_aside"])
        return self.engine.any(then.anti_join(now, "id")) or (waiting and self.engine.any(now.anti_join(then, "id")))

    def _tables(self, new: Path, facts: Path) -> dict[str, int]:
        """Rows by table, of those in which anything changed."""
        ids, counts = self.engine.load([*self.changed.ids()], IDS), {}
        for file in sorted(self.before.glob("*.parquet")):
            owners = {*self.owners[file.stem]} & {*self.changed.types}
            if not owners:
                linked(file, facts / file.name)
                continue
            before, now = self.engine.read_parquet(file), self.engine.read_parquet(new / file.name)
            rows = _laid_over(before, now, ids.filter(ids.resource.isin(sorted(owners))))
            counts[file.stem] = self.engine.write_parquet(rows, facts / file.name)
        return counts

    def _report(self, went: Report, came: Report, counts: Mapping[str, int]) -> Report:
        changed = {f"{each['resource']}/{each['id']}" for each in self.changed.ids()}
        return {
            "facts": {name: counts.get(name, rows) for name, rows in self.told["facts"].items()},
            "set_aside": [each for each in self.told["set_aside"] if each["where"] not in changed] + came["set_aside"],
            "duplicates": self.told["duplicates"],
            "notes": _noted(self.told["notes"], went["notes"], came["notes"]),
            "follows": self.before.name,
        }


def _named(aside: Mapping[str, str]) -> bool:
    """By its id: a line is another one by now."""
    return " " not in aside["where"] and "/" in aside["where"]


def _laid_over(before: ir.Table, now: ir.Table, ids: ir.Table) -> ir.Table:
    """`ids` are the lines that changed, of the types that the table is made of."""
    if "id" not in before.columns:  # of whom lines cannot be used: none of these was taken back
        return before.union(now, distinct=True)
    return before.anti_join(ids, ["resource", "id"] if "resource" in before.columns else "id").union(now)


def _noted(before: Mapping[str, int], went: Mapping[str, int], came: Mapping[str, int]) -> dict[str, int]:
    notes = Counter(before)
    notes.subtract(went)
    notes.update(came)
    return {name: number for name, number in sorted(notes.items()) if number}
