"""Resources in, a SQLite file that holds them by id and by what they are searched for out.

served/<source>.sqlite holds what `serve` answers from, audit/<source>.sqlite who asked for what.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote_to_bytes

import zstandard

import fhir_profiles
from service.shelves.transactions import transaction

FORMAT = "2"  # another one is built again
DICTIONARY, LEVEL = 32_768, 3  # more of either packs no smaller
ZLIB = b"\x78"  # how what zlib packed begins; of zstandard it is 0x28
_QUERY = re.compile(rb'"query":"([A-Za-z0-9+/=]+)"')

TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE resources (
    row INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, id TEXT NOT NULL, patient TEXT, version TEXT NOT NULL,
    updated INTEGER, run TEXT, opens INTEGER, as_of INTEGER, until INTEGER, status TEXT, level TEXT, target TEXT,
    code TEXT, gist BLOB, body BLOB NOT NULL
);
CREATE UNIQUE INDEX by_id ON resources (type, id);
CREATE INDEX by_patient ON resources (type, patient);
CREATE INDEX by_target ON resources (target) WHERE target IS NOT NULL;
CREATE INDEX by_level ON resources (type, level, row);
CREATE INDEX by_date ON resources (type, as_of, row);
CREATE TABLE pathways (code TEXT NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (code, row)) WITHOUT ROWID;
CREATE INDEX pathways_by_row ON pathways (row);
"""

INSERT = """
INSERT INTO resources (type, id, patient, version, updated, run, opens, as_of, until, status, level, target, code,
    gist, body) VALUES (:type, :id, :patient, :version, :updated, :run, :opens, :as_of, :until, :status, :level,
    :target, :code, :gist, :body)
"""


@dataclass(frozen=True)
class Kept:
    """One resource as it is searched for and served; times are milliseconds since 1970, `patient` is `Patient/id`.

    `updated` None is when the whole file was published. `gist` is what a card says of a profile.
    """

    type: str
    id: str
    body: bytes
    patient: str | None = None
    updated: int | None = None
    run: str | None = None
    opens: int | None = None
    as_of: int | None = None
    until: int | None = None
    status: str | None = None
    level: str | None = None
    target: str | None = None
    code: str | None = None
    gist: bytes | None = None
    pathways: tuple[str, ...] = ()


def version_of(body: bytes) -> str:
    """The same bytes are the same version, on whatever machine the file was made."""
    return hashlib.sha256(body).hexdigest()[:16]


@cache
def dictionary() -> bytes:
    """Text that profiles share; of invented patients, for nobody could ever be erased from it."""
    examples = [each for each in fhir_profiles.examples("r4") if each["resourceType"] in ("Observation", "Provenance")]
    return json.dumps(examples, separators=(",", ":"), default=str).encode()[-DICTIONARY:]


class Press:
    """Profiles are alike: by their common text one is a fiftieth of its size. For one thread.

    Zstandard unpacks in a third of zlib's time, which was a fifth of a read's.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        text = bytes(connection.execute("SELECT value FROM about WHERE name = 'dictionary'").fetchone()[0])
        shared = zstandard.ZstdCompressionDict(text, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        shared.precompute_compress(level=LEVEL)
        self._packer = zstandard.ZstdCompressor(level=LEVEL, dict_data=shared, write_checksum=True)
        self._unpacker = zstandard.ZstdDecompressor(dict_data=shared)

    def packed(self, body: bytes) -> bytes:
        return self._packer.compress(body)

    def unpacked(self, body: bytes) -> bytes:
        return zlib.decompress(body) if body.startswith(ZLIB) else self._unpacker.decompress(body)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"file:{path}?mode={mode}", uri=True, timeout=30, check_same_thread=False, isolation_level=None
    )
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def create(connection: sqlite3.Connection) -> None:
    """An empty file. It keeps no write-ahead log: that would lie beside the file under its name, and be taken for that
    of another file which was moved there."""
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.executescript(TABLES)
    tell(connection, dictionary=dictionary())


class Writing:
    """Puts resources into a file; whoever calls commits."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._press = Press(connection)

    def put(self, kept: Kept) -> None:
        """In place of one with that id."""
        self.drop(kept.type, kept.id)
        self.add(kept)

    def add(self, kept: Kept) -> None:
        """One whose id is new."""
        self._insert(kept, self._press.packed(kept.body))

    def add_once(self, kept: Kept) -> None:
        """One that may be there already, and then stays; too short for the common text to be worth its while."""
        self._insert(kept, zlib.compress(kept.body, 1), INSERT.replace("INSERT", "INSERT OR IGNORE", 1))

    def _insert(self, kept: Kept, body: bytes, how: str = INSERT) -> None:
        values = {name: value for name, value in vars(kept).items() if name != "pathways"}
        row = self._connection.execute(how, {**values, "version": version_of(kept.body), "body": body}).lastrowid
        self._connection.executemany("INSERT INTO pathways VALUES (?, ?)", [(code, row) for code in kept.pathways])

    def drop(self, type: str, id: str) -> None:
        self._drop("type = ? AND id = ?", (type, id))

    def drop_patient(self, patient: str) -> int:
        """How many resources about `Patient/id` were there, and are gone."""
        return self._drop("patient = ?", (patient,))

    def drop_row(self, row: int) -> int:
        return self._drop("row = ?", (row,))

    def _drop(self, which: str, values: tuple[str | int, ...]) -> int:
        chosen = f"SELECT row FROM resources WHERE {which}"  # noqa: S608 - the conditions are those above
        self._connection.execute(f"DELETE FROM pathways WHERE row IN ({chosen})", values)  # noqa: S608
        return self._connection.execute(f"DELETE FROM resources WHERE {which}", values).rowcount  # noqa: S608


def tell(connection: sqlite3.Connection, **about: str | bytes) -> None:
    connection.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", about.items())


def told(connection: sqlite3.Connection) -> dict[str, str | bytes]:
    return dict(connection.execute("SELECT name, value FROM about"))


def forget(path: Path, people: Collection[str], mentions: Callable[[bytes], bool]) -> int:
    """How many resources were about one of these `Patient/id`, or mentioned them, and are gone."""
    with closing(connect(path)) as connection:
        writing = Writing(connection)
        with transaction(connection):
            gone = sum(writing.drop_patient(patient) for patient in people)
            for row, text in list(_of_nobody(connection)):
                if mentions(text):
                    gone += writing.drop_row(row)
        connection.execute("VACUUM")
    return gone


def texts(path: Path) -> Iterator[bytes]:
    """Whom the file names: each patient, and what is said in resources that are about no single one."""
    with closing(connect(path, read_only=True)) as connection:
        for (patient,) in connection.execute("SELECT DISTINCT patient FROM resources WHERE patient IS NOT NULL"):
            yield patient.encode()
        yield from (text for _, text in _of_nobody(connection))


def _of_nobody(connection: sqlite3.Connection) -> Iterator[tuple[int, bytes]]:
    """Each with what its queries say in the clear, for AuditEvents hold them in base64."""
    press = Press(connection)
    for row, body in connection.execute("SELECT row, body FROM resources WHERE patient IS NULL"):
        text = press.unpacked(body)
        yield row, b" ".join([text, *(unquote_to_bytes(base64.b64decode(each)) for each in _QUERY.findall(text))])
