"""The lines of one type in one pull: in one file; or where few of many changed, in an earlier run's and one beside.

<Type>.ndjson        the lines; or those of an earlier run, which it shares, and of which some no longer stand
<Type>.superseded    then: the ids of these, a JSON string each, and
<Type>.later.ndjson  the lines that came since
<Type>.replaced      the lines of the run before that stand here no more
<Type>.index         of a large file: where each id stands in <Type>.ndjson

A type of millions of lines of which a thousand change each night so costs a night what a thousand cost.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from service.lake import linked, same_file

# As HAPI and most servers write it.
BEGINS = rb'\{"resourceType":"%s","id":"([A-Za-z0-9.-]+)"'
AT_ONCE = 1 << 20  # bytes
LATER = ".later"
LINES = ("*.ndjson", "*.superseded")  # files that tell which lines stand
LARGE = 1 << 26  # bytes; a smaller file is read and written anew in no time
IN_ONE = ("Patient",)  # of which other stages read single lines by their place
_begins = re.compile(BEGINS % rb"[A-Za-z]+").match


class _Id(msgspec.Struct):
    id: str


_id = msgspec.json.Decoder(_Id)
_ids = msgspec.json.Decoder(str)


def id_of(line: bytes) -> str:
    """Nearly every server begins a resource with it, and to look no further takes a fifth of the time."""
    begins = _begins(line)
    return begins[1].decode() if begins else _id.decode(line).id


def later(file: Path) -> Path:
    return file.with_name(f"{file.stem}{LATER}{file.suffix}")


def earlier(file: Path) -> Path:
    """The one beside which this one stands, where it is a later one."""
    return file.with_name(file.name.replace(LATER, ""))


def superseded(file: Path) -> Path:
    return file.with_suffix(".superseded")


def replaced(file: Path) -> Path:
    return file.with_suffix(".replaced")


def index(file: Path) -> Path:
    return file.with_suffix(".index")


def may_be_in_two(file: Path) -> bool:
    return file.stem not in IN_ONE and file.is_file() and file.stat().st_size > LARGE


def in_two(file: Path) -> bool:
    return superseded(file).is_file()


def ids_superseded(file: Path) -> set[str]:
    if not in_two(file):
        return set()
    return {*_ids.decode_lines(superseded(file).read_bytes())}


def as_superseded(ids: Iterable[str]) -> bytes:
    """What the file of these says."""
    return b"".join(msgspec.json.encode(each) + b"\n" for each in sorted(ids))


def same_lines(file: Path, other: Path) -> bool:
    """Whether the type is in both one file with two names, or in neither, and nothing beside it differs."""
    return all(same_file(of(file), of(other)) for of in (Path, superseded, later))


def linked_lines(file: Path, place: Path) -> None:
    """All of the type under another name too."""
    linked_file(file, place)
    for of in (superseded, later):
        if of(file).is_file():
            linked(of(file), of(place))


def linked_file(file: Path, place: Path) -> None:
    """Without what came later, and with its index."""
    for of in (Path, index):
        if of(file).is_file():
            linked(of(file), of(place))


def files(file: Path) -> list[Path]:
    """All that there are of the type."""
    return [each for of in (Path, superseded, later, index, replaced) if (each := of(file)).is_file()]


def without(file: Path) -> None:
    """Nothing of the type."""
    for each in files(file):
        each.unlink()


def lines_of(file: Path) -> Iterator[bytes]:
    """Those that stand."""
    gone = ids_superseded(file)
    with file.open("rb", AT_ONCE) as lines:
        yield from (line for line in lines if id_of(line) not in gone) if gone else lines
    yield from lines_later(file)


def lines_later(file: Path) -> Iterator[bytes]:
    if in_two(file):
        with later(file).open("rb", AT_ONCE) as lines:
            yield from lines


def in_one(file: Path, room: Callable[[], Path]) -> Path:
    """A file of just the lines that stand: itself, or one in the empty directory that `room` makes."""
    if not in_two(file):
        return file
    made = room() / file.name
    with made.open("wb", AT_ONCE) as out:
        out.writelines(lines_of(file))
    return made


def each_in_one(files: Iterable[Path], room: Callable[[], Path]) -> list[Path]:
    """As `in_one`; what stands beside another of them is in that one."""
    named = list(files)
    beside = {later(file) for file in named if in_two(file)}
    return [in_one(file, room) for file in named if file not in beside]


def tail(file: Path, begins: int, into: Path) -> None:
    """What was put at the end last: from that byte, of what came later where that stands beside."""
    with (later(file) if in_two(file) else file).open("rb") as lines, into.open("wb") as out:
        lines.seek(begins)
        shutil.copyfileobj(lines, out)
