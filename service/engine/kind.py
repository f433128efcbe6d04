"""Settings in; which engine computes, and where, out. An engine's library is loaded when it is opened, not before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from service.errors import EngineProblem
from service.settings import Settings

if TYPE_CHECKING:
    from service.engine.engine import Engine

Name = Literal["duckdb", "spark"]


@dataclass(frozen=True)
class Kind:
    """`spark_master` and `spark` (further settings of the session) count for Spark alone, `memory` for DuckDB."""

    name: Name = "duckdb"
    spark_master: str = "local[*]"
    spark: Mapping[str, str] = field(default_factory=dict)
    memory: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Kind:
        return cls(settings.engine, settings.spark_master, settings.spark, settings.duckdb_memory)

    @property
    def has_executors(self) -> bool:
        return self.name == "spark"

    @contextmanager
    def opened(self, scratch: Path, memory: str, threads: int, about: int | None) -> Iterator[Engine]:
        """Empty `memory` and 0 `threads` leave both to the engine."""
        if self.name == "spark":
            with _spark().opened(scratch, self.spark_master, self.spark) as engine:
                yield engine
        else:
            from service.engine import duckdb

            with duckdb.opened(scratch, memory or self.memory, threads, about) as engine:
                yield engine


def _spark() -> ModuleType:
    try:
        from service.engine import spark
    except ModuleNotFoundError as error:
        raise EngineProblem(
            f"Spark is not installed: there is no {error.name}",
            where='engine = "spark"',
            do="run `pip install 'fhir-personalization[spark]'`, and see that there is a Java 17 or 21",
        ) from error
    return spark


DUCKDB = Kind()
SPARK = Kind("spark")
