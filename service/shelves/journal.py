"""Resources as they happen in, the same in a file to search out: appended first, which takes no time, and moved later.

<file>.journal holds a line each. What was appended outlives the process; a kill while it is moved moves it again, and
an id that is there already is left alone. Several processes may append and move: the file is locked for each.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from service.shelves import shelves
from service.shelves.shelves import Kept
from service.shelves.transactions import transaction


class _Line(msgspec.Struct):
    type: str
    id: str
    patient: str | None
    at: int
    status: str
    body: msgspec.Raw


_line = msgspec.json.Decoder(_Line)


class Journal:
    """Beside the SQLite file at `target`."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._file = os.open(beside(target), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def append(self, happened: Iterable[Kept]) -> None:
        """OSError where it cannot be written."""
        lines = (
            _Line(each.type, each.id, each.patient, _at(each), str(each.status), msgspec.Raw(each.body))
            for each in happened
        )
        text = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        with _locked(self._file):
            if os.write(self._file, text) != len(text):
                raise OSError("the disk is full")

    def move(self) -> int:
        """How many lines went into the file to search."""
        with _locked(self._file):
            size = os.fstat(self._file).st_size
            if not size:
                return 0
            moved = _moved(self._target, os.pread(self._file, size, 0))
            os.ftruncate(self._file, 0)
            return moved

    def close(self) -> None:
        self.move()
        os.close(self._file)


def beside(target: Path) -> Path:
    return target.with_suffix(".journal")


def _moved(target: Path, text: bytes) -> int:
    """A line that was cut off by a full disk was never answered, and is left out."""
    lines = [_line.decode(line) for line in text.split(b"\n")[:-1]]
    with closing(shelves.connect(target)) as connection, transaction(connection):
        writing = shelves.Writing(connection)
        for each in lines:
            kept = Kept(
                each.type,
                each.id,
                bytes(each.body),
                patient=each.patient,
                updated=each.at,
                as_of=each.at,
                status=each.status,
            )
            writing.add_once(kept)
    return len(lines)


def _at(kept: Kept) -> int:
    assert kept.as_of is not None, "what happened has its time"
    return kept.as_of


@contextmanager
def _locked(file: int) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
