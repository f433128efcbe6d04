"""The database's own clock, in seconds since 1970: the one that all workers on a catalog share."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class clock(FunctionElement[float]):
    type = sa.Float()
    inherit_cache = True


@compiles(clock, "sqlite")
def _sqlite(_: clock, _compiler: SQLCompiler, **_more: object) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(clock, "postgresql")
def _postgresql(_: clock, _compiler: SQLCompiler, **_more: object) -> str:
    return "extract(epoch from clock_timestamp())"
