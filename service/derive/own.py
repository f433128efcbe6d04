"""A hospital's folder of Python files in, the measures that it registers there out, under its own code system.

The files are run: they are part of the installation's configuration, as trusted as `personalize.toml` itself. Their
codes stand beside the catalogue's and never among them: what is published under our name is closed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from traceback import extract_tb
from types import ModuleType

import ibis.expr.types as ir

from service.derive.catalogue import BY_CODE, FAMILIES
from service.derive.events import Events
from service.derive.measure import DIMENSIONS, REASONS, Expression, Family
from service.derive.unusable import OURS
from service.derive.windows import WINDOWS, Window
from service.errors import WrongUsage

CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
HOW = "see docs/own-views.md"


@dataclass(frozen=True)
class OwnMeasures:
    """`digest` is of the files: with other ones measures are other measures. Empty where there are none."""

    families: tuple[Family, ...] = ()
    system: str = ""
    digest: str = ""

    @classmethod
    def load(cls, folder: Path | None, system: str, types: Collection[str] = ()) -> OwnMeasures:
        """`types` are what the folder's views are of. Raises WrongUsage for a file or measure that cannot be used."""
        files = sorted(folder.glob("*.py")) if folder else []
        found = tuple(family for file in files for family in _registered(file, types))
        for place, code in enumerate(codes := [code for family in found for code in family.codes]):
            if code in codes[:place]:
                raise WrongUsage(f"two measures have the code {code}", where=str(folder), do="give one another code")
        if found and not system:
            raise WrongUsage(
                "the hospital's measures have no code system",
                where=f"own.folder = {str(folder)!r}",
                do='name it: own.system = "https://hospital.example/measures"',
            )
        content = b"".join(file.name.encode() + file.read_bytes() for file in files)
        return cls(found, system, f"sha256:{hashlib.sha256(content + system.encode()).hexdigest()}" if found else "")

    @property
    def needs(self) -> frozenset[str]:
        return frozenset(each for family in self.families for each in family.needs.split(" or "))

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(code for family in self.families for code in family.codes)


NO_OTHERS = OwnMeasures()


def _registered(file: Path, types: Collection[str]) -> Iterator[Family]:
    ours = {id(family) for family in FAMILIES}
    for family in dict.fromkeys(each for each in vars(_run(file)).values() if isinstance(each, Family)):
        if id(family) not in ours:  # imported to build on
            _check(family, file, types)
            yield replace(family, expression=_told(family, file))


def _run(file: Path) -> ModuleType:
    """Not by import, which would leave its cache beside the file and keep the module for the next run."""
    module = ModuleType(f"own_{file.stem}")
    try:
        exec(compile(file.read_bytes(), str(file.absolute()), "exec"), vars(module))  # noqa: S102 - their own code
    except Exception as error:
        raise _broken("the file of measures cannot be run", error, file) from error
    return module


def _broken(what: str, error: Exception, file: Path) -> WrongUsage:
    frames = reversed(extract_tb(error.__traceback__))
    line = next((frame.lineno for frame in frames if Path(frame.filename) == file.absolute()), None)
    line = line or getattr(error, "lineno", None)
    where = f"{file}, line {line}" if line else str(file)
    return WrongUsage(f"{what}: {type(error).__name__}: {error}", where=where, do=f"mend it, or take it out; {HOW}")


def _check(family: Family, file: Path, types: Collection[str]) -> None:
    wrong = next(_faults(family, {*OURS, *types}), None)
    if wrong:
        raise WrongUsage(f"the measure {family.code!r} {wrong}", where=str(file), do=HOW)


def _faults(family: Family, readable: Collection[str]) -> Iterator[str]:
    if not CODE.fullmatch(family.code):
        yield "has a code that is not lower case words with hyphens between"
    if family.code.rpartition("-")[2] in WINDOWS:
        yield "has a code that ends as those of a window do, which is added by itself"
    if taken := sorted({family.code, *family.codes} & {*BY_CODE, *(each.code for each in FAMILIES)}):
        yield f"has the code {taken[0]} of one that is published; give it another"
    if family.dimension not in DIMENSIONS:
        yield f"belongs to {family.dimension!r}, and dimensions are {', '.join(DIMENSIONS)}"
    if not family.windows or set(family.windows) - {*WINDOWS}:
        yield f"has the windows {', '.join(family.windows) or 'none'}, and there are {', '.join(WINDOWS)}"
    if isinstance(family.absent, str) and family.absent not in REASONS:
        yield f"is unknown for {family.absent!r}, and reasons are {', '.join(REASONS)}"
    if not family.definition:
        yield "has no docstring, which is its definition"
    if unread := [each for each in family.needs.split(" or ") if each not in readable]:
        yield f"needs {unread[0]}, of which the folder has no view"


def _told(family: Family, file: Path) -> Expression:
    """As registered; what goes wrong in it is told with its place."""

    def expression(events: Events, window: Window) -> ir.Table:
        try:
            rows = family.expression(events, window)
            return rows if "patient" in rows.columns else _nobody_s(family, file)
        except WrongUsage:
            raise
        except Exception as error:
            raise _broken(f"the measure {family.code} cannot be computed", error, file) from error

    return expression


def _nobody_s(family: Family, file: Path) -> ir.Table:
    raise WrongUsage(f"the measure {family.code} gives no column `patient`", where=str(file), do=HOW)
