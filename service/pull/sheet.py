"""Pages of one type in, one NDJSON file out, with a journal of how far it is safe; each resource once, the newest.

Of an interrupted one the journal tells up to which byte the file is whole and which page comes next. Nothing is
believed of it that the file does not bear out: every line is read again before the reading goes on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import msgspec

from service import raw
from service.lake import linked
from service.pull.gathered import Span, fills, parts_in
from service.pull.heads import LONGEST_LINE, Head, Unfit, checked, each_line, head, usual
from service.pull.manifest import Pulled
from service.pull.part import Part
from service.pull.places import Places, digest, once
from service.server.search import Body

STRAY = re.compile("^came where (.+) was asked for$")


class Aside(msgspec.Struct):
    where: str
    why: str

    @property
    def of(self) -> str:
        """The type whose reading met it."""
        stray = STRAY.match(self.why)
        return stray[1] if stray else re.split("[/ ]", self.where)[0]


class Step(msgspec.Struct, omit_defaults=True):
    """A line of the journal: `size` bytes are safe; search number `search` goes on at `next`, None where it begins."""

    size: int
    search: int = 0
    next: str | None = None
    since: str | None = None
    aside: list[Aside] = []
    warnings: list[str] = []
    done: Pulled | None = None


_step = msgspec.json.Decoder(Step)


class Sheet:
    """`with Sheet(part, "Claim") as sheet`, then `keep` page after page, and `settled` at the end.

    `at` is where an interrupted reading goes on. Memory holds eight bytes a resource when it is settled.
    """

    def __init__(self, part: Part, resource_type: str, name: str = "") -> None:
        self.type, self.path = resource_type, part.ndjson(name or resource_type)
        self._journal = part.state(name or resource_type)
        self.pulled = Pulled()
        self.dated = True
        self.aside: list[Aside] = []
        self.warnings: list[str] = []
        self.at = Step(0)
        self.done = False
        self._ids = part.state(f"{name or resource_type}.ids")
        self._places = Places(self._ids)
        self._end = 0  # of the file, in bytes
        self._settled = False
        self.in_memory = 0  # bytes that it wrote and did not yet bring to the disk
        self._file: BinaryIO | None = None
        self._log: BinaryIO | None = None

    def __enter__(self) -> Sheet:
        steps = list(_steps(self._journal))
        if not self._taken_up(steps):
            self.again()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed()

    @property
    def fresh(self) -> bool:
        """Nothing of it was read by an interrupted pull."""
        return not self.pulled.count and self.at.next is None

    def more(self) -> None:
        """To add to what was settled; nothing of it can be taken up after an interruption."""
        self._closed()
        self._file, self._log = self.path.open("ab"), self._journal.open("wb")
        self._end, self._settled = self._size(), False

    def drop(self) -> None:
        self._closed()
        raw.without(self.path)
        self._journal.unlink(missing_ok=True)
        self._ids.unlink(missing_ok=True)
        self.done = True

    def again(self) -> None:
        """From nothing; a file of that name may be an earlier run's too, so it is not written into."""
        self._closed()
        raw.without(self.path)
        self._file, self._log = self.path.open("xb"), self._journal.open("wb")
        self.pulled, self.at, self._places, self._end, self.dated = Pulled(), Step(0), Places(self._ids), 0, True
        self.aside, self.warnings, self.done, self._settled, self.in_memory = [], [], False, False, 0

    def _closed(self) -> None:
        for each in (self._file, self._log):
            if each is not None:
                each.close()

    def _taken_up(self, steps: list[Step]) -> bool:
        if not steps or ((last := steps[-1]).done is not None and last.size != self._all_sizes()):
            return False
        if last.done is not None:
            self.pulled, self.done = last.done, True
        elif not self._ours() or not self._counted(last.size):
            return False
        self.at = last
        self.pulled.since = next((step.since for step in steps if step.since), self.pulled.since)
        self.aside = [each for step in steps for each in step.aside]
        self.warnings = [each for step in steps for each in step.warnings]
        if not self.done:
            self._file, self._log = self.path.open("r+b"), self._journal.open("ab")
            self._file.truncate(last.size)
            self._file.seek(last.size)
        return True

    def _ours(self) -> bool:
        """And nobody else's: a file with two names may be an earlier run's."""
        return self.path.is_file() and self.path.stat().st_nlink == 1

    def _counted(self, size: int) -> bool:
        """Whether so much of the file holds whole resources; they are counted as when they came."""
        self._places, self._end, self.dated, self.pulled.count = Places(self._ids), 0, True, 0
        try:
            with self.path.open("rb") as lines:
                while self._end < size:
                    line = lines.readline()
                    found = head(line)
                    self.dated = self.dated and bool(found.meta.lastUpdated)
                    self._put([found.id.encode()], [len(line)])
        except msgspec.MsgspecError:
            return False
        return self._end == size

    def _put(self, ids: Sequence[bytes], sizes: Iterable[int]) -> None:
        """Lines of these are in the file, so long with their line breaks."""
        places = [*accumulate(sizes, initial=self._end)]
        self._end = places.pop()
        self._places.add(map(digest, ids), places)
        self.pulled.count += len(ids)

    def keep(self, resources: Sequence[Body]) -> None:
        """Those that are fit are written; the others are set aside."""
        assert self._file is not None, "a sheet that is done takes no more"
        begins = usual(self.type)
        ids = [
            known[1] if len(body) <= LONGEST_LINE and (known := begins(body)) else self._id(body) for body in resources
        ]
        fit = [body for body, known in zip(resources, ids, strict=True) if known is not None]
        self.in_memory += self._file.write(b"\n".join((*fit, b"")))
        self._put([known for known in ids if known is not None], map((1).__add__, map(len, fit)))

    def _id(self, body: Body) -> bytes | None:
        try:
            found = checked(body, self.type)
        except Unfit as unfit:
            self.aside.append(Aside(unfit.where, unfit.why))
            return None
        self.dated = self.dated and found.meta.lastUpdated != ""
        return found.id.encode()

    def adopt(self, file: Path, spans: Sequence[Span], places: Places | None, *, dated: bool) -> None:
        """Of an empty sheet: lines of a file that were checked as they came; `places`, if known, are theirs in it.

        Where nothing else stands in that file it is the sheet's too, under two names.
        """
        assert self._file is not None, "a sheet that is done takes no more"
        if fills(file, spans):
            self._file.close()
            self.path.unlink()
            linked(file, self.path)
            self._file = self.path.open("ab")
        else:
            places = None
            for part in parts_in(file, spans):
                self._file.write(part)
            self._file.flush()
        if places is None:
            self._counted(self._size())
        else:
            self._places, self._end, self.dated = places.moved(self._ids), self._size(), dated
            self.pulled.count = places.count

    def safe(self, search: int, following: str | None, since: str | None, asides: int, warnings: Sequence[str]) -> None:
        """The page is in the file; the next is `following` of that search. `asides` were there before the page."""
        assert self._file is not None, "a sheet that is done takes no more"
        self._file.flush()
        self.warnings += warnings
        self.pulled.since = self.pulled.since or since
        self._note(Step(self._file.tell(), search, following, since, self.aside[asides:], list(warnings)))

    def _note(self, step: Step) -> None:
        assert self._log is not None, "a sheet that is done takes no more"
        self._log.write(msgspec.json.encode(step) + b"\n")
        self._log.flush()

    def settled(self) -> Pulled:
        """The end: each id once, by its newest version. Before this what is there may hold some twice."""
        if self._file is not None:
            self._file.close()
        if not self._settled and (repeated := self._places.repeated()):
            once(self.path, repeated)
            self._counted(self._size())
        self._settled = True
        return self.pulled

    def indexed(self) -> None:
        """So that of a large one a later pull need not be a copy. Of one that is settled."""
        if raw.may_be_in_two(self.path):
            self._places.kept(raw.index(self.path), self.path)

    def finished(self, pulled: Pulled, aside: Sequence[Aside] = (), warnings: Sequence[str] = ()) -> None:
        """Nothing of this type has to be asked for again; what is set aside beside what the pages said."""
        if self._file is not None and not self._file.closed:
            self._file.flush()
        self.on_disk()
        self.pulled, self.done = pulled, True
        self.aside += aside
        self.warnings += warnings
        self._note(Step(self._all_sizes(), done=pulled, aside=list(aside), warnings=list(warnings)))
        self._closed()

    def on_disk(self) -> None:
        """Once it is called finished nobody reads it again to see whether it is whole; to have little left to bring
        there by then saves waiting for it. From any thread."""
        self.in_memory = 0
        for each in raw.files(self.path):
            with each.open("rb") as file:
                os.fsync(file.fileno())

    def _size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    def _all_sizes(self) -> int:
        """Of what came later too."""
        return sum(each.stat().st_size for each in raw.files(self.path))

    def heads(self) -> Iterator[tuple[Head, bytes]]:
        """Each resource that it holds by now, whole."""
        yield from each_line(self.path)


def _steps(journal: Path) -> Iterator[Step]:
    """As far as they are whole: the last one may have been cut off."""
    if not journal.is_file():
        return
    with journal.open("rb") as lines:
        for line in lines:
            try:
                yield _step.decode(line)
            except msgspec.MsgspecError:
                return
