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
from service.compose.rows import DIGESTS, ROW, connected, rows_of
from service.lake import ANEW, PROFILES, stamp

FORM = 2  # of the kept file
KEPT = "{'patient': 'VARCHAR', 'row': 'VARCHAR', 'content': 'VARCHAR', 'extension': 'VARCHAR'}"
ROWS = f"read_json($kept, columns = {KEPT}, format = 'newline_delimited')"
DERIVED_ANEW = "read_json($anew, columns = {'patient': 'VARCHAR'}, format = 'newline_delimited')"
IS_ANEW = f"patient IN (SELECT patient FROM {DERIVED_ANEW} WHERE patient IS NOT NULL)"  # noqa: S608 - our own words


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
    profiles: str = ""  # the stamp of their files


class _From(msgspec.Struct, rename={"files": "from"}):
    files: str


_first = msgspec.json.Decoder(_First)
_from = msgspec.json.Decoder(_From)


def unmoved(kept: Path, profiles: Path, edition: Edition) -> Iterator[Kept]:
    """In patient order; nobody where nothing was kept, or was composed in another manner."""
    first = _told(kept)
    if first is None or (first.form, first.edition) != (FORM, _manner(edition)):
        return
    query, which = _asked(first.profiles, profiles)
    with connected(profiles) as connection:
        for row in rows_of(connection, f"{query} ORDER BY patient", profiles, kept=str(kept), **which):
            yield Kept(**row)


def _asked(composed: str, profiles: Path) -> tuple[str, dict[str, str]]:
    """Of all profiles, or where most were carried over from those that were composed, of the others alone."""
    anew = profiles / ANEW
    if composed == stamp(profiles, PROFILES):
        return _carried(), {}
    if composed != _carried_from(anew):
        return _same(ROW), {}
    moved = _same(DIGESTS.format(where=f" WHERE {IS_ANEW}"))
    return f"{_carried(f' WHERE NOT {IS_ANEW}')} UNION ALL {moved}", {"anew": str(anew)}


def _same(derived: str) -> str:
    """Whose digest of the row is the one kept."""
    return f"""
        SELECT patient, kept.row AS row, content, extension FROM {ROWS} AS kept
        JOIN ({derived}) AS derived USING (patient) WHERE kept.row = derived.row
    """  # noqa: S608 - our own words


def _carried(where: str = "") -> str:
    """Of whom nothing was derived anew: their rows need not be looked at."""
    return f"""
        SELECT patient, row, content, extension FROM {ROWS}
        SEMI JOIN (SELECT patient FROM read_parquet($profiles){where}) USING (patient)
    """  # noqa: S608


def begin(file: BinaryIO, profiles: Path, edition: Edition) -> None:
    """The first line: of which profiles and edition the others are."""
    file.write(msgspec.json.encode(_First(FORM, _manner(edition), stamp(profiles, PROFILES))) + b"\n")


def keep(file: BinaryIO, each: Kept) -> None:
    file.write(msgspec.json.encode(each) + b"\n")


def _told(kept: Path) -> _First | None:
    try:
        with kept.open("rb") as file:
            return _first.decode(file.readline())
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def _carried_from(anew: Path) -> str | None:
    try:
        with anew.open("rb") as file:
            return _from.decode(file.readline()).files
    except FileNotFoundError:
        return None


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
