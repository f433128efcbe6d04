"""Whole lines of several downloads at once in, one file of them all out, and where in it each one's lines stand.

So what comes side by side is written to the disk once. What a download wrote that failed stands there as well, in
nobody's spans, and is left out by whoever reads by them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from hashlib import blake2b
from pathlib import Path

Span = tuple[int, int]  # bytes: from, to
AT_ONCE = 1 << 20  # bytes


class Gathered:
    """An open file that lines are only ever added to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab")
        self._size = self._file.tell()

    def add(self, lines: bytes, spans: list[Span]) -> int:
        """Where they begin; `spans` are those of whom the lines are."""
        place = begins = self._size
        self._file.write(lines)
        self._size += len(lines)
        if spans and spans[-1][1] == begins:
            begins = spans.pop()[0]
        spans.append((begins, self._size))
        return place

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()


@contextmanager
def gathering() -> Iterator[Callable[[Path], Gathered]]:
    """The file of a path, opened when it is first asked for; all are closed at the end."""
    with ExitStack() as stack:
        yield cache(lambda path: stack.enter_context(closing(Gathered(path))))


def lines_in(path: Path, spans: Sequence[Span]) -> Iterator[bytes]:
    with path.open("rb") as file:
        for begins, ends in spans:
            file.seek(begins)
            while begins < ends:
                line = file.readline()
                begins += len(line)
                yield line


def parts_in(path: Path, spans: Sequence[Span]) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        for begins, ends in spans:
            file.seek(begins)
            while part := file.read(min(ends - begins, AT_ONCE)):
                begins += len(part)
                yield part


def alike(path: Path, some: Sequence[Span], others: Sequence[Span]) -> bool:
    """Whether the same stands in both."""
    return _digest(path, some) == _digest(path, others)


def _digest(path: Path, spans: Sequence[Span]) -> bytes:
    digest = blake2b()
    for part in parts_in(path, spans):
        digest.update(part)
    return digest.digest()


def holds(path: Path, spans: Sequence[Span]) -> bool:
    """Whether it is as long as they say."""
    return path.is_file() and path.stat().st_size >= max((ends for _, ends in spans), default=0)


def fills(path: Path, spans: Sequence[Span]) -> bool:
    """Whether nothing else stands in it."""
    return path.stat().st_size == sum(ends - begins for begins, ends in spans)
