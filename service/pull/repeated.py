"""Ids as they come in, which of them came more than once out; of a file of resources the newest of each."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from service.pull.heads import each_line

IN_MEMORY = 1 << 17  # digests, a megabyte


class Seen:
    """Ids as digests of eight bytes, the most of them in a file: of several types that are read at once memory holds
    those of one, and not before it is asked which came more than once."""

    def __init__(self, path: Path) -> None:
        self._path, self._digests = path, array("q")
        path.unlink(missing_ok=True)

    def add(self, resource_id: str) -> None:
        self.extend((hash(resource_id),))

    def extend(self, digests: Iterable[int]) -> None:
        self._digests.extend(digests)
        if len(self._digests) > IN_MEMORY:
            self._write()

    def _write(self) -> None:
        with self._path.open("ab") as file:
            self._digests.tofile(file)
        self._digests = array("q")

    def repeated(self) -> set[int]:
        """The digests that came more than once: those of repeated ids, and rarely of two ids."""
        if self._path.is_file():
            self._write()
            ordered = np.fromfile(self._path, dtype=np.int64)
        else:
            ordered = np.array(self._digests, dtype=np.int64)
        ordered.sort()
        return set(ordered[1:][ordered[1:] == ordered[:-1]].tolist())


def once(path: Path, repeated: set[int]) -> int:
    """Rewrites the file with the newest of each id, the last where nothing tells; how many lines went."""
    newest: dict[str, tuple[object, int]] = {}
    for number, (found, _) in enumerate(each_line(path)):
        if hash(found.id) in repeated:
            rank = (found.age, number)
            newest[found.id] = max(newest.get(found.id, rank), rank)
    new, gone = path.with_name(path.name + ".new"), 0
    with new.open("wb") as out:
        for number, (found, line) in enumerate(each_line(path)):
            if found.id in newest and newest[found.id][1] != number:
                gone += 1
            else:
                out.write(line)
    new.replace(path)
    return gone
