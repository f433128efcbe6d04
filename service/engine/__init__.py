"""Files in, Ibis tables to reason with, Parquet or rows out: the same expressions on DuckDB or on Spark."""

from service.engine.engine import Engine, RowRefused, ShapeMismatch
from service.engine.kind import DUCKDB, SPARK, Kind

__all__ = ["DUCKDB", "SPARK", "Engine", "Kind", "RowRefused", "ShapeMismatch"]
