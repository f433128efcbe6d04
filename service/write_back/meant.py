"""What a plan would write in; of the panels that its run was then answered for, what a plan has to know of each, out.

A panel that stands in the version which our own write returned holds what we sent, so it need not be read back. What is
kept in the lake, `standing/<source>.meant`, is a cache: what it does not vouch for is read from the server.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from service.catalog import Catalog
from service.compose.composed import Composed
from service.write_back.record import Stood, record

FORM = 1  # of the kept file


class _First(msgspec.Struct):
    form: int
    run: str


class _Meant(msgspec.Struct):
    """`fingerprint` is that of the panel to the letter, as the catalog has it of the write."""

    fingerprint: str
    stood: Stood


_first = msgspec.json.Decoder(_First)
_meant = msgspec.json.Decoder(_Meant)


class Meaning:
    """The file while a plan is made."""

    def __init__(self, file: BinaryIO, run: str) -> None:
        self._file = file
        file.write(msgspec.json.encode(_First(FORM, run)) + b"\n")

    def add(self, composed: Composed, fingerprint: str) -> None:
        stood = record(composed.panel, str(composed.panel["id"]), composed.content)
        self._file.write(msgspec.json.encode(_Meant(fingerprint, stood)) + b"\n")


@dataclass(frozen=True)
class Acknowledged:
    """The panels that the run of the kept plan wrote, each with the version that the server answered."""

    catalog: Catalog
    kept: Path

    def __iter__(self) -> Iterator[Stood]:
        try:
            with self.kept.open("rb") as lines:
                first = _first.decode(lines.readline())
                answered = self._answered(first.run) if first.form == FORM else {}
                for line in lines if answered else ():
                    meant = _meant.decode(line)
                    version, sent = answered.get(meant.stood.id, (None, None))
                    if version and sent == meant.fingerprint.encode():
                        yield msgspec.structs.replace(meant.stood, version=version)
        except (FileNotFoundError, msgspec.MsgspecError):
            return

    def _answered(self, run: str) -> dict[str, tuple[str | None, bytes | None]]:
        """The last write of each resource, by its id: (version, fingerprint)."""
        return {
            write.resource.rpartition("/")[2]: (write.version, write.after) for write in self.catalog.acknowledged(run)
        }
