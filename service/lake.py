"""The lake: a directory in, paths out; a stage's files appear all at once or not at all.

raw/<source>/<run>/       NDJSON as the server gave it, as `raw.py` tells, and manifest.json
facts/<source>/<run>/     Parquet, facts.json, and the lines that made the difference to the run before
profiles/<source>/<run>/  Parquet, profiles.json, and who was derived anew where the others were carried over
plans/<source>/<run>.ndjson
standing/<source>.ndjson  what stood there of ours at the last reading; may be lost
standing/<source>.meant   what the last plan would write; may be lost
served/<source>.sqlite    what `serve` answers from; may be lost
audit/<source>.sqlite     who asked for what
catalog.sqlite            runs, and what was written
"""

from __future__ import annotations

import filecmp
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from service.errors import LakeProblem

OWN = "own-"  # before the name of a hospital's own table of facts, which so is never one of ours
PART = ".part"
CHANGED = "changed.ndjson"  # beside facts that were made of earlier ones: the lines that made the difference
PROFILES = "*.parquet"
ANEW = "anew.ndjson"  # beside profiles most of which were carried over: from which files, and who was derived anew


class Lake:
    """Directories are 0700 and files 0600: raw resources hold names and record numbers."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def raw(self, source: str, run: str) -> Path:
        return self.root / "raw" / folder(source) / run

    def facts(self, source: str, run: str) -> Path:
        return self.root / "facts" / folder(source) / run

    def profiles(self, source: str, run: str) -> Path:
        return self.root / "profiles" / folder(source) / run

    def profiled(self, source: str, *, before: str) -> Iterator[str]:
        """Runs of a source earlier than that one whose profiles stand here, the newest first; names sort by time."""
        return self._stand(self.profiles(source, before).parent, "profiles.json", before)

    def profiled_in(self, source: str, run: str) -> bool:
        return (self.profiles(source, run) / "profiles.json").is_file()

    @staticmethod
    def _stand(stage: Path, report: str, before: str) -> Iterator[str]:
        """Looked for one by one: a source that is always on leaves thousands of them, and most ask for the newest."""
        runs = [path.name for path in stage.iterdir()] if stage.is_dir() else []
        for run in sorted((run for run in runs if run < before and not run.endswith(PART)), reverse=True):
            if (stage / run / report).is_file():
                yield run

    def parts(self, source: str) -> list[Path]:
        """Pulls of a source that were interrupted."""
        return sorted(self.raw(source, "").glob(f"*{PART}"))

    def flattened(self, source: str, *, before: str) -> Iterator[str]:
        """As `profiled`, of those whose facts stand here."""
        return self._stand(self.facts(source, before).parent, "facts.json", before)

    def plan(self, source: str, run: str) -> Path:
        return self.root / "plans" / folder(source) / f"{run}.ndjson"

    def standing(self, source: str, kind: str = "") -> Path:
        """`kind` is the resource type, where it is not the panel's own."""
        return self.root / "standing" / f"{folder(source)}{kind and '.'}{kind}.ndjson"

    def meant(self, source: str, kind: str = "") -> Path:
        """What the last plan would write of it, as a cache; `kind` as in `standing`."""
        return self.root / "standing" / f"{folder(source)}{kind and '.'}{kind}.meant"

    def composed(self, source: str) -> Path:
        """What the last plan composed of it, as a cache."""
        return self.root / "standing" / f"{folder(source)}.composed"

    def served(self, source: str) -> Path:
        return self.root / "served" / f"{folder(source)}.sqlite"

    def audit(self, source: str) -> Path:
        return self.root / "audit" / f"{folder(source)}.sqlite"

    @property
    def catalog(self) -> Path:
        return self.root / "catalog.sqlite"

    @property
    def spill(self) -> Path:
        """Where an engine may spill; removed by who opens it."""
        return self.root / "spill"

    def open(self) -> Lake:
        """Make the directory if it is not there."""
        try:
            private_directory(self.root)
        except OSError as error:
            raise LakeProblem(
                f"the lake cannot be made: {error.strerror}", where=str(self.root), do="name another with --lake DIR"
            ) from error
        return self


@contextmanager
def committed(target: Path) -> Iterator[Path]:
    """A directory `<target>.part` to fill; renamed to `target` when the block ends well, else removed."""
    part = target.with_name(target.name + PART)
    shutil.rmtree(part, ignore_errors=True)
    private_directory(part)
    try:
        yield part
        sealed(part, target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def sealed(part: Path, target: Path) -> None:
    """A directory that is complete under its name, once all of it is on the disk."""
    for file in part.iterdir():
        file.chmod(0o600)
        _sync(file)
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)
    _sync(target.parent)


@contextmanager
def committed_file(target: Path) -> Iterator[Path]:
    """As `committed`, for one file."""
    private_directory(target.parent)
    part = target.with_name(target.name + PART)
    part.unlink(missing_ok=True)  # by a kill it may be another name of a file that is needed
    try:
        part.touch(mode=0o600)
        yield part
        _sync(part)
        part.replace(target)
        _sync(target.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def same_files(one: Path, other: Path, pattern: str, small: int = 0) -> bool:
    """Whether both directories hold those of the same names, each one file with two names; of `small` bytes at most
    it suffices that their content is the same."""
    names = {path.name for path in one.glob(pattern)}
    if names != {path.name for path in other.glob(pattern)}:
        return False
    return all(same_file(one / name, other / name, small) for name in names)


def same_file(file: Path, other: Path, small: int = 0) -> bool:
    """Both may be missing."""
    if not (file.is_file() and other.is_file()):
        return file.is_file() == other.is_file()
    return file.samefile(other) or (file.stat().st_size <= small and filecmp.cmp(file, other, shallow=False))


def stamp(folder: Path, pattern: str) -> str:
    """Of those files: under whatever name they stand, and no more once one is written anew, or copied."""
    return " ".join(_stamp(each.name, each.stat()) for each in sorted(folder.glob(pattern)))


def _stamp(name: str, told: os.stat_result) -> str:
    return f"{name}:{told.st_dev}:{told.st_ino}:{told.st_size}:{told.st_mtime_ns}"


def linked(file: Path, place: Path) -> None:
    """The same file under another name too; a copy where the file system has no links."""
    try:
        os.link(file, place)
    except OSError:
        shutil.copyfile(file, place)


def write_json(path: Path, document: object) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")


def read_json(path: Path, needs: str) -> dict[str, object]:
    """`needs` says which verb makes the file that is missing."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, object])
    except FileNotFoundError as error:
        raise LakeProblem("nothing here yet", where=str(path.parent), do=f"run `personalize {needs}` first") from error


def folder(source: str) -> str:
    """A source's name as a folder's: a base URL is a legal name, its slashes are not."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", source).strip("_.") or "source"


def private_directory(path: Path) -> None:
    """Made with every parent it lacks; `mkdir`'s own `parents` would leave those open to others."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
