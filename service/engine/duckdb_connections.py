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

_held: dict[str, duckdb.DuckDBPyConnection] = {}
_holding = Lock()


@contextmanager
def connected(scratch: Path, memory: str, threads: int, about: int | None) -> Iterator[Any]:
    """`about` so many resources it will be asked, None if that is not known. What does not fit spills to `scratch`."""
    memory = memory or MEMORY
    if about is None or about > AS_IT_STANDS:
        one = about is not None and about <= ONE_THREAD
        connection = _alone(scratch, memory, threads or (1 if one else 0))
    else:
        connection = _among_others(memory)
    connection.con.execute("SET enable_progress_bar = false")  # Ibis switches it on, and it draws on stdout
    try:
        yield connection
    except duckdb.Error:
        _held.pop(memory, None)  # after an error of its own it may answer nobody any more
        raise
    finally:
        connection.disconnect()


def _alone(scratch: Path, memory: str, threads: int) -> Any:
    limits = {"memory_limit": memory} | ({"threads": str(threads)} if threads else {})
    connection = ibis.duckdb.connect(**OFFLINE, **limits)
    connection.con.execute("SET temp_directory = ?", [str(scratch)])
    return connection


def _among_others(memory: str) -> Any:
    """To one that this process holds, with tables of its own: to begin one takes 20 ms. It never spills."""
    with _holding:
        if (held := _held.get(memory)) is None:
            limits = {"memory_limit": memory, "threads": "1", "temp_directory": ""}
            held = _held[memory] = duckdb.connect(config={**OFFLINE, **limits})
        cursor = held.cursor()
    cursor.execute("PRAGMA disable_optimizer")
    return ibis.duckdb.from_connection(cursor)
