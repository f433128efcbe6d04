"""What a trial is about to make in, a file in the lake that survives a kill out: by it alone things are taken down.

trials/<name>/trial.json    whose it is and where
trials/<name>/made.ndjson   each resource, on disk before it is sent
trials/<name>/...           the trial's own lake, with its own catalog: it never mixes with that of a hospital
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from service.lake import Lake, private_directory, read_json, write_json

MADE = "made.ndjson"


class Made(msgspec.Struct, frozen=True):
    reference: str
    level: int


_made = msgspec.json.Decoder(Made)


@dataclass(frozen=True)
class Record:
    """One trial: `name` is its installation id, its tag, and the beginning of each of its ids."""

    name: str
    base: str
    lake: Lake

    @classmethod
    def begun(cls, lake: Lake, name: str, base: str) -> Record:
        own = Lake(lake.root / "trials" / name).open()
        record = cls(name, base, own)
        write_json(own.root / "trial.json", {"name": name, "base": base})
        (own.root / "trial.json").chmod(0o600)
        return record

    @classmethod
    def all(cls, lake: Lake, base: str) -> Iterator[Record]:
        """Trials on this server of which something may be left, oldest first."""
        for path in sorted((lake.root / "trials").glob("*/trial.json"), key=lambda path: path.stat().st_mtime):
            told = read_json(path, "try")
            if told["base"] == base:
                yield cls(str(told["name"]), base, Lake(path.parent))

    def note(self, made: Iterable[Made]) -> None:
        """On disk when this returns."""
        private_directory(self.lake.root)
        handle = os.open(self.lake.root / MADE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "wb") as file:
            for each in made:
                file.write(msgspec.json.encode(each) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def made(self) -> list[Made]:
        """A line that a kill cut off was never sent."""
        try:
            lines = (self.lake.root / MADE).read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        return [_made.decode(line) for line in lines]

    def forget(self) -> None:
        shutil.rmtree(self.lake.root)
