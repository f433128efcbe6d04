"""How much it will be asked about in, a connection to a DuckDB that suits it, as Ibis uses one, out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb
import ibis

MEMORY = "3GiB"  # with what lies outside the engine's count a process stays within 4 GiB
# Of so many resources one thread derives in less of the clock than two, which wait for each other at every question;
# of so few a question is answered as it stands in less time than it takes to find a better way to.
ONE_THREAD, AS_IT_STANDS = 25_000, 2_000

# Extensions that are not built in would be fetched from the network; json, parquet and icu are built in.
OFFLINE = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}

READ_ONCE = {"enable_external_file_cache": "false"}  # else what one run read stays in memory for nobody

_held: dict[str, duckdb.DuckDBPyConnection] = {}
_holding = Lock()


@contextmanager
def connected(scratch: Path, memory: str, threads: int, about: int | None) -> Iterator[Any]:
    """`about` so many resources it will be asked, None if that is not known. What does not fit spills to `scratch`."""
    few = about is not None and about <= AS_IT_STANDS
    threads = threads or (1 if about is not None and about <= ONE_THREAD else 0)
    memory = memory or MEMORY
    with among_others(memory) if few else alone(scratch, memory, threads) as cursor:
        connection = ibis.duckdb.from_connection(cursor)
        cursor.execute("SET enable_progress_bar = false")  # Ibis switches it on, and it draws on stdout
        yield connection


@contextmanager
def alone(scratch: Path, memory: str, threads: int = 0) -> Iterator[duckdb.DuckDBPyConnection]:
    """To a DuckDB of its own, with as many threads as it likes where none are given."""
    limits = {"memory_limit": memory, "temp_directory": str(scratch)} | ({"threads": str(threads)} if threads else {})
    connection = duckdb.connect(config={**OFFLINE, **limits})
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def among_others(memory: str = MEMORY) -> Iterator[duckdb.DuckDBPyConnection]:
    """To one that this process holds, with tables of its own: to begin one takes 20 ms. It never spills."""
    with _holding:
        if (held := _held.get(memory)) is None:
            limits = {"memory_limit": memory, "threads": "1", "temp_directory": ""}
            held = _held[memory] = duckdb.connect(config={**OFFLINE, **limits, **READ_ONCE})
        cursor = held.cursor()
    try:
        cursor.execute("PRAGMA disable_optimizer")
        yield cursor
    except Exception:
        _held.pop(memory, None)  # whatever it was, the next begins anew: after a fatal error DuckDB answers nobody
        raise
    finally:
        cursor.close()
