"""A run's directory while it fills, `<run>.part`: kept when the pull is interrupted, and taken up by the next one.

It holds the NDJSON files begun so far, a journal beside each, and `asked.state`: what the pull was asked for. Only one
that was asked for the same, and not long ago, is taken up; any other is removed, unless a process is at work in it.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from service.lake import PART, private_directory, sealed

STATE = ".state"
LEFT_OVER = (f"*{STATE}", "*.new.ndjson", "*.new")  # the last two by a kill at the wrong moment
TAKEN_UP_WITHIN = dt.timedelta(hours=12)  # types read further apart would tell of different days


class Part:
    """`resumed` when it was begun by an earlier pull."""

    def __init__(self, target: Path, folder: Path, resumed: bool, hold: int) -> None:
        self.target, self.folder, self.resumed = target, folder, resumed
        self._hold = hold

    @classmethod
    def open(cls, target: Path, asked: Mapping[str, Any], now: dt.datetime) -> Part:
        folder = target.with_name(target.name + PART)
        private_directory(target.parent)
        with _alone(target.parent):
            found, hold = _left(target.parent, asked, now)
            if found is None:
                private_directory(folder)
                hold = _held(folder)
                keep(folder / f"asked{STATE}", {"asked": asked, "begun": now.isoformat()})
            elif found != folder:
                found.rename(folder)
        assert hold is not None
        return cls(target, folder, found is not None, hold)

    def close(self) -> None:
        """It may be taken up by another from here on."""
        os.close(self._hold)

    def ndjson(self, resource_type: str) -> Path:
        return self.folder / f"{resource_type}.ndjson"

    def state(self, name: str) -> Path:
        """Beside the files that stay; none of these does."""
        return self.folder / f"{name}{STATE}"

    def commit(self) -> None:
        """The directory under its own name, all of it on the disk, and without what only a resumption needs."""
        for pattern in LEFT_OVER:
            for leftover in self.folder.glob(pattern):
                leftover.unlink()
        sealed(self.folder, self.target)


def _left(place: Path, asked: Mapping[str, Any], now: dt.datetime) -> tuple[Path | None, int | None]:
    """The one that fits, held from here on; others that nobody is at work in are removed."""
    chosen: tuple[Path | None, int | None] = None, None
    for other in sorted(place.glob(f"*{PART}"), reverse=True):
        if (hold := _held(other)) is None:
            continue
        if chosen[0] is None and _fits(other, asked, now):
            chosen = other, hold
        else:
            shutil.rmtree(other)
            os.close(hold)
    return chosen


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Between the making of a part and the hold on it nobody else looks."""
    handle = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _held(folder: Path) -> int | None:
    """For as long as it is open or the process lives, whatever the folder is called by then; None where another's."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:  # complete by now, and under its own name
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _fits(folder: Path, asked: Mapping[str, Any], now: dt.datetime) -> bool:
    try:
        state = msgspec.json.decode((folder / f"asked{STATE}").read_bytes(), type=dict[str, Any])
        return state["asked"] == asked and now - dt.datetime.fromisoformat(state["begun"]) <= TAKEN_UP_WITHIN
    except (OSError, msgspec.MsgspecError, KeyError):
        return False


def keep(path: Path, document: object) -> None:
    """JSON that stands whole after a kill, as it is now or as it was before."""
    new = path.with_name(path.name + ".new")
    new.write_bytes(msgspec.json.encode(document))
    new.chmod(0o600)
    with new.open("rb") as file:
        os.fsync(file.fileno())
    new.replace(path)
