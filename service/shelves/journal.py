"""Resources as they happen in, the same in a file to search out: appended first, which takes no time, and moved later.

<file>.journal holds a line each. What was appended outlives the process; a kill while it is moved moves it again, and
an id that is there already is left alone. Several threads and processes may append and move. Who appends waits for
other appends and for the last few lines of a move, never for a whole one.
"""

from __future__ import annotations

import fcntl
import os
import threading
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

AT_ONCE = 4 << 20  # bytes of a pass over what is to be moved
FEW = 64 << 10  # bytes that are moved while nobody appends


class Journal:
    """Beside the SQLite file at `target`."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._file = os.open(beside(target), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._moving = os.open(beside(target).with_suffix(".moving"), os.O_RDWR | os.O_CREAT, 0o600)
        self._append_turn, self._move_turn = threading.Lock(), threading.Lock()

    def append(self, happened: Iterable[Kept]) -> None:
        """OSError where it cannot be written."""
        lines = (
            _Line(each.type, each.id, each.patient, _at(each), str(each.status), msgspec.Raw(each.body))
            for each in happened
        )
        text = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        with _alone(self._append_turn, self._file):
            size = self._whole()
            if os.write(self._file, text) != len(text):
                os.ftruncate(self._file, size)
                raise OSError("the disk is full")

    def move(self) -> int:
        """How many lines went into the file to search."""
        with _alone(self._move_turn, self._moving):
            moved, at = 0, 0
            while len(text := os.pread(self._file, AT_ONCE, at)) > FEW:
                whole = text[: text.rfind(b"\n") + 1]  # somebody may be writing the line behind it
                if not whole:
                    break
                moved, at = moved + _moved(self._target, whole), at + len(whole)
            with _alone(self._append_turn, self._file):
                size = self._whole()
                moved += _moved(self._target, os.pread(self._file, size - at, at))
                os.ftruncate(self._file, 0)
        return moved

    def _whole(self) -> int:
        """The size without what a kill left of a line, which was never answered; that is cut off."""
        size = os.fstat(self._file).st_size
        if not size or os.pread(self._file, 1, size - 1) == b"\n":
            return size
        held = os.pread(self._file, size, 0)
        os.ftruncate(self._file, held.rfind(b"\n") + 1)
        return held.rfind(b"\n") + 1

    def close(self) -> None:
        self.move()
        os.close(self._file)
        os.close(self._moving)


def beside(target: Path) -> Path:
    return target.with_suffix(".journal")


def _moved(target: Path, text: bytes) -> int:
    lines = [_line.decode(line) for line in text.split(b"\n")[:-1]]
    if not lines:
        return 0
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
def _alone(turn: threading.Lock, file: int) -> Iterator[None]:
    """Among the threads of this process, which share the open file and with it its lock, and among processes."""
    with turn:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
