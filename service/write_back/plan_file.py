"""The plan as a file: a header, then one line a patient; written once, read as a stream.

It holds resources of our own making and what stands in their place, never a Patient's own content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeVar

import msgspec

from service.errors import LakeProblem, WriteRefused
from service.settings import WriteRung
from service.write_back.patient import Borne

T = TypeVar("T")
Action = Literal["create", "update", "unchanged", "remove"]
NOTHING = msgspec.Raw()
ACTIONS: tuple[Action, ...] = ("create", "update", "unchanged", "remove")
OPTED_OUT = "opted-out"


class Before(msgspec.Struct, frozen=True):
    """The resource that would be replaced, and the version of it that the plan saw."""

    version: str | None
    resource: msgspec.Raw


class PatientChange(msgspec.Struct, frozen=True):
    """What a Patient bears of ours in the version pulled, and what it shall bear; None is nothing.

    `whole`: it goes back as a whole, for a patch might change its digits.
    """

    version: str
    before: Borne | None
    after: Borne | None
    whole: bool = False


class Request(msgspec.Struct, omit_defaults=True):
    """One request as it would be sent, alone or as an entry of the patient's transaction.

    Its body stands in the line already: the panel, its Provenance, the Patient as read with `extension.after`.
    """

    method: str
    url: str
    headers: dict[str, str] = {}


class Line(msgspec.Struct, omit_defaults=True):
    """One patient: what is to be done with the panel and why, by which requests, and what was seen and left alone
    (`held`). `content` is the panel's digest, which names its Provenance; `fingerprints` are the panel's and the
    Provenance's. `gone` is why a panel is removed: opted-out, merged, deleted or absent. `replaced` is the panel by
    another version of the algorithm, which is removed once this one stands.
    """

    patient: str
    action: Action
    reasons: list[str] = []
    held: list[str] = []
    before: Before | None = None
    observation: msgspec.Raw = NOTHING
    provenance: msgspec.Raw = NOTHING
    content: str = ""
    fingerprints: tuple[str, str] = ("", "")
    extension: PatientChange | None = None
    gone: str = ""
    replaced: Before | None = None
    requests: list[Request] = []

    @property
    def writes(self) -> bool:
        return self.action != "unchanged" or self.extension is not None or self.replaced is not None

    @property
    def quiet(self) -> bool:
        """Nothing to write and nothing to say."""
        return not self.writes and not self.held


class DevicePlan(msgspec.Struct):
    resource: msgspec.Raw
    action: Action
    before: Before | None = None


class Header(msgspec.Struct):
    """What the plan is for, and its figures: lines by action, `changes` patients that would be written about,
    `levels` that stand, `level_changes` among them, `removals` of patients who did not ask for it.
    """

    run: str
    source: str
    base: str
    installation: str
    as_of: str
    rung: WriteRung
    device: DevicePlan
    counts: dict[str, int] = {}
    patients: int = 0
    held: int = 0
    changes: int = 0
    levels: int = 0
    level_changes: int = 0
    removals: int = 0

    def count(self, line: Line) -> None:
        self.counts[line.action] += 1
        self.changes += line.writes
        self.removals += line.action == "remove" and line.gone != OPTED_OUT
        self.patients += line.extension is not None
        self.held += bool(line.held)

    @property
    def writes(self) -> bool:
        """Whether any line would write; the Device alone is of no use to anybody."""
        return bool(self.changes)


ROOM_FOR_COUNTS = 512
ROOM_FOR_LINES = 1 << 20  # bytes; a line has some 40 KB, and took as long to be put together as to be decoded
_header = msgspec.json.Decoder(Header)
_line = msgspec.json.Decoder(Line)


class Writer:
    """Lines go to the file as they come; the header's room is kept at the top until the counts are known."""

    def __init__(self, file: BinaryIO, header: Header) -> None:
        self._file, self.header = file, header
        header.counts = dict.fromkeys(ACTIONS, 0)
        self._room = len(msgspec.json.encode(header)) + ROOM_FOR_COUNTS
        file.write(b" " * self._room + b"\n")

    def write(self, line: Line) -> None:
        self.header.count(line)
        self._file.write(msgspec.json.encode(line) + b"\n")

    def close(self) -> None:
        """JSON may end in spaces."""
        self._file.seek(0)
        self._file.write(msgspec.json.encode(self.header).ljust(self._room))


@contextmanager
def writing(path: Path, header: Header) -> Iterator[Writer]:
    with path.open("wb") as file:
        writer = Writer(file, header)
        yield writer
        writer.close()


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return _digest(file)


def _digest(file: BufferedReader[Any]) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def reading(path: Path, digest: str | None) -> Iterator[tuple[Header, Iterator[Line]]]:
    """The header and a stream of the lines, of the very file whose digest was kept when it was made."""
    try:
        file = BufferedReader(FileIO(path), ROOM_FOR_LINES)
    except FileNotFoundError as error:
        raise LakeProblem("no plan here yet", where=str(path), do="run `personalize plan` first") from error
    with file:
        if _digest(file) != digest:
            raise WriteRefused("the plan file was changed since it was made", where=str(path), do="plan again")
        file.seek(0)
        yield _decoded(_header, file.readline(), path), (_decoded(_line, line, path) for line in file)


def _decoded(decoder: msgspec.json.Decoder[T], line: bytes, path: Path) -> T:
    try:
        return decoder.decode(line)
    except msgspec.MsgspecError as error:
        raise LakeProblem(
            f"the plan is damaged: {error}", where=str(path), do="run `personalize plan` again"
        ) from error
