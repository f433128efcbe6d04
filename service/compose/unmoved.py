"""What was composed last and the profiles of now in, those of whom the very same was derived again out.

Composing takes ten times as long as finding that there is nothing to compose. What is kept stands in the lake, a line a
patient; it is a cache: whatever it does not vouch for is composed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import duckdb
import msgspec

from service.compose.content import Json, encode
from service.compose.edition import Edition
from service.compose.rows import ROW, connected, rows_of

FORM = 1  # of the kept file
KEPT = "{'patient': 'VARCHAR', 'row': 'VARCHAR', 'content': 'VARCHAR', 'extension': 'VARCHAR'}"
SAME = f"""
    SELECT patient, kept.row AS row, content, extension
    FROM read_json($kept, columns = {KEPT}, format = 'newline_delimited') AS kept
    JOIN ({ROW}) AS derived USING (patient) WHERE kept.row = derived.row ORDER BY patient
"""  # noqa: S608 - our own words


class Kept(msgspec.Struct):
    """What one row of the profiles was composed to: the panel's digest, and the extension of the Patient as JSON.

    `row` is a digest of the row with its measures.
    """

    patient: str
    row: str
    content: str
    extension: str | None = None

    @property
    def wanted(self) -> Json | None:
        """The extension, as of the day when it was composed."""
        return msgspec.json.decode(self.extension) if self.extension else None


class _First(msgspec.Struct):
    form: int
    edition: str


_first = msgspec.json.Decoder(_First)


def unmoved(kept: Path, profiles: Path, edition: Edition) -> Iterator[Kept]:
    """In patient order; nobody where nothing was kept, or was composed in another manner."""
    if _fits(kept, edition):
        with connected(profiles) as connection:
            for row in rows_of(connection, SAME, profiles, kept=str(kept)):
                yield Kept(**row)


def begin(file: BinaryIO, edition: Edition) -> None:
    """The first line: of which edition the others are."""
    file.write(msgspec.json.encode(_First(FORM, _manner(edition))) + b"\n")


def keep(file: BinaryIO, each: Kept) -> None:
    file.write(msgspec.json.encode(each) + b"\n")


def _fits(kept: Path, edition: Edition) -> bool:
    try:
        with kept.open("rb") as file:
            return _first.decode(file.readline()) == _First(FORM, _manner(edition))
    except (FileNotFoundError, msgspec.MsgspecError):
        return False


def _manner(edition: Edition) -> str:
    """Of all that content depends on beside the row; another DuckDB may digest rows otherwise."""
    shared = {
        "engine": duckdb.__version__,
        "framework": edition.framework,
        "release": edition.release,
        "identity": vars(edition.identity),
        "displays": edition.displays,
        "unknown": edition.unknown,
        "own": edition.own,
    }
    return hashlib.sha256(encode(shared)).hexdigest()
