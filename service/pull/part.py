"""A run's directory while it fills, `<run>.part`: kept when the pull is interrupted, and taken up by the next one.

It holds the NDJSON files begun so far, a journal beside each, and `asked.state`: what the pull was asked for. Only one
that was asked for the same, and not long ago, is taken up; any other is removed.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from service.lake import PART, private_directory, sealed

STATE = ".state"
LEFT_OVER = (f"*{STATE}", "*.new.ndjson", "*.new")  # the last two by a kill at the wrong moment
TAKEN_UP_WITHIN = dt.timedelta(hours=12)  # types read further apart would tell of different days


class Part:
    """`resumed` when it was begun by an earlier pull."""

    def __init__(self, target: Path, folder: Path, resumed: bool) -> None:
        self.target, self.folder, self.resumed = target, folder, resumed

    @classmethod
    def open(cls, target: Path, asked: Mapping[str, Any], now: dt.datetime) -> Part:
        folder = target.with_name(target.name + PART)
        private_directory(target.parent)
        found = None
        for other in sorted(target.parent.glob(f"*{PART}"), reverse=True):
            if found is None and _fits(other, asked, now):
                found = other
            else:
                shutil.rmtree(other)
        if found is None:
            private_directory(folder)
            keep(folder / f"asked{STATE}", {"asked": asked, "begun": now.isoformat()})
        elif found != folder:
            found.rename(folder)
        return cls(target, folder, resumed=found is not None)

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
