"""Profiles and all that their composing rests on in; what they are composed to, here or on an engine's executors, out.

An executor gets a span of patients. It reads them from the lake, which it sees as the driver does, composes them by the
same code, and leaves a file; the files after one another are in patient order. Rows never pass through the driver.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import ibis
import msgspec

from service.compose.composed import Composed
from service.compose.content import digest
from service.compose.edition import Edition
from service.compose.panel import panel
from service.compose.personalization import on_patient
from service.compose.provenance import provenance
from service.compose.release import said_in
from service.compose.reviewed import reviewed
from service.compose.rows import ProfileRow, Span, read
from service.engine import Engine
from service.reviews import Reviewing

SPANS = 4  # an executor: one that is slow, or lost, holds up a quarter of what it would

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(Composed, float_hook=Decimal)


@dataclass(frozen=True)
class Composing:
    """As `compose` has it."""

    profiles: Path
    edition: Edition
    reviewing: Reviewing | None = None
    but: Path | None = None

    def all(self, span: Span | None = None) -> Iterator[Composed]:
        rows = read(self.profiles, self.but, span=span)
        return (composed(reviewed(row, self.reviewing), self.edition) for row in rows)

    def spread(self, engine: Engine) -> Iterator[Composed]:
        """Composed when the first is asked for."""
        folder, whole = engine.folder().resolve(), self._from_anywhere()
        parts = [_Part(whole, folder / f"{n:06}.ndjson", span) for n, span in enumerate(self._spans(engine))]
        engine.spread(_Part.write, parts)
        for part in parts:
            yield from part.read()

    def _from_anywhere(self) -> Composing:
        """An executor's own directory is wherever it was started."""
        return replace(self, profiles=self.profiles.resolve(), but=self.but and self.but.resolve())

    def _spans(self, engine: Engine) -> Iterator[Span]:
        """As many patients in each, as near as can be; of them all the driver sees the first alone."""
        patients = engine.read_parquet(self.profiles / "profiles.parquet").select("patient")
        placed = patients.mutate(span=ibis.ntile(SPANS * engine.executors).over(order_by=patients.patient))
        firsts = placed.group_by("span").agg(first=placed.patient.min())
        found = sorted(row["first"] for row in list(engine.rows(firsts)))
        return (Span(first, following) for first, following in pairwise([*found, None]))


@dataclass(frozen=True)
class _Part:
    """What one task of an executor does."""

    composing: Composing
    file: Path
    span: Span

    def write(self) -> None:
        """A task that is tried again writes the same file anew."""
        with self.file.open("wb") as lines:
            for each in self.composing.all(self.span):
                lines.write(_encoder.encode(each) + b"\n")

    def read(self) -> Iterator[Composed]:
        with self.file.open("rb") as lines:
            for line in lines:
                yield _decoder.decode(line)
        self.file.unlink()


def composed(row: ProfileRow, edition: Edition) -> Composed:
    observation = said_in(edition.release, panel(row, edition))
    content = digest(observation)
    its_provenance = provenance(row.patient, observation, content, row.evidence, edition, row.verdict.review)
    return Composed(
        patient=row.patient,
        panel=observation,
        provenance=said_in(edition.release, its_provenance),
        extension=on_patient(row, edition),
        content=content,
        row=row.row,
    )
