"""SQL in, what DuckDB makes of its words out: once a process, for every connection.

Of the time that a question about a few patients takes, reading its words is two fifths (DuckDB 2.0).
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

import duckdb


class Parsed:
    """The `most` statements asked last, for all threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[str, duckdb.Statement] = OrderedDict()
        self._lock = Lock()

    def of(self, sql: str, connection: duckdb.DuckDBPyConnection) -> duckdb.Statement:
        with self._lock:
            if kept := self._kept.get(sql):
                self._kept.move_to_end(sql)
                return kept
        (statement,) = connection.extract_statements(sql)
        with self._lock:
            self._kept[sql] = statement
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return statement
