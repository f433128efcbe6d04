"""Lines as they are written to a file in; which ids came more than once, and later where in it each stands, out.

Of an id a digest is kept, for there may be millions. They lie in a file, in blocks that are each in order: memory holds
one of them, and to find a thousand ids in a file of gigabytes nothing is read but these blocks and the thousand lines.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from xxhash import xxh3_64_intdigest

from service.pull.heads import each_line
from service.raw import id_of

BLOCK = 1 << 17  # ids
WORD = 8  # bytes of a digest, and of a place

Words = npt.NDArray[np.uint64]

digest = xxh3_64_intdigest


class Places:
    """Where lines begin, by their ids; `path` is not there until there are many."""

    def __init__(self, path: Path) -> None:
        self.path, self.count = path, 0
        self._digests, self._begins = array("Q"), array("Q")
        path.unlink(missing_ok=True)

    @classmethod
    def of(cls, file: Path, path: Path) -> Places:
        """Of a file as it lies there."""
        made, begins = cls(path), 0
        with file.open("rb") as lines:
            for line in lines:
                made.add((digest(id_of(line).encode()),), (begins,))
                begins += len(line)
        return made

    def add(self, digests: Iterable[int], begins: Iterable[int]) -> None:
        """As many of the one as of the other."""
        before = len(self._digests)
        self._digests.extend(digests)
        self._begins.extend(begins)
        self.count += len(self._digests) - before
        while len(self._digests) >= BLOCK:
            self._write()

    def _write(self) -> None:
        digests, begins = (np.array(words[:BLOCK], dtype=np.uint64) for words in (self._digests, self._begins))
        del self._digests[:BLOCK], self._begins[:BLOCK]
        order = digests.argsort()
        with self.path.open("ab") as file:
            digests[order].tofile(file)
            begins[order].tofile(file)

    def repeated(self) -> set[int]:
        """The digests that came more than once: those of repeated ids, and hardly ever of two ids."""
        ordered, size = np.empty(self.count, dtype=np.uint64), len(self._digests)
        ordered[:size] = self._digests
        if self.path.is_file():
            for digests, _ in _blocks(self.path, self.path.stat().st_size):
                ordered[size : size + len(digests)] = digests
                size += len(digests)
        ordered.sort()
        return set(ordered[1:][ordered[1:] == ordered[:-1]].tolist())

    def moved(self, path: Path) -> Places:
        """With the file where it lies under that name."""
        if self.path.is_file():
            self.path.replace(path)
        self.path = path
        return self

    def kept(self, target: Path, file: Path) -> None:
        """As the index of that file, of which they are."""
        if self._digests:
            self._write()
        with self.path.open("ab") as out:
            np.array([file.stat().st_size], dtype=np.uint64).tofile(out)
        self.path.replace(target)


def found(index: Path, file: Path, ids: Sequence[str]) -> Iterator[tuple[str, bytes]] | None:
    """These ids with their lines, as far as they are in the file; None where there is no index, or one of another."""
    size = _indexed(index, file)
    return None if size is None else _found(index, size, file, ids)


def _found(index: Path, size: int, file: Path, ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    wanted = np.array(sorted({digest(each.encode()) for each in ids}), dtype=np.uint64)
    places = sorted(place for digests, begins in _blocks(index, size) for place in _within(digests, begins, wanted))
    asked = {*ids}
    with file.open("rb") as resources:
        for place in places:
            resources.seek(place)
            line = resources.readline()
            if (known := id_of(line)) in asked:  # and none that happens to have its digest
                yield known, line


def _indexed(index: Path, file: Path) -> int | None:
    """How many bytes of it are blocks; at its end stands how long the file was that it tells of."""
    if not index.is_file():
        return None
    with index.open("rb") as words:
        blocks = words.seek(-WORD, os.SEEK_END)
        told = int.from_bytes(words.read(), "little")
    return blocks if told == file.stat().st_size else None


def _blocks(path: Path, size: int) -> Iterator[tuple[Words, Words]]:
    with path.open("rb") as words:
        for left in range(size // WORD // 2, 0, -BLOCK):
            count = min(left, BLOCK)
            yield (
                np.fromfile(words, dtype=np.uint64, count=count),
                np.fromfile(words, dtype=np.uint64, count=count),
            )


def _within(digests: Words, begins: Words, wanted: Words) -> list[int]:
    first, last = (np.searchsorted(digests, wanted, side=side) for side in ("left", "right"))
    hits = np.flatnonzero(last > first)
    return [int(begin) for hit in hits for begin in begins[first[hit] : last[hit]]]


def once(path: Path, repeated: set[int]) -> None:
    """Rewrites the file with the newest of each id, the last where nothing tells."""
    newest: dict[str, tuple[object, int]] = {}
    for number, (head, _) in enumerate(each_line(path)):
        if digest(head.id.encode()) in repeated:
            rank = (head.age, number)
            newest[head.id] = max(newest.get(head.id, rank), rank)
    new = path.with_name(path.name + ".new")
    with new.open("wb") as out:
        for number, (head, line) in enumerate(each_line(path)):
            if head.id not in newest or newest[head.id][1] == number:
                out.write(line)
    new.replace(path)
