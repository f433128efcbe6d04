"""Findings in, a table for a person or one JSON document out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Verdict = Literal["good", "note", "bad"]
MARKS: dict[Verdict, str] = {"good": "ok", "note": "--", "bad": "!!"}
WIDTH, MARGIN = 100, 22


@dataclass(frozen=True)
class Finding:
    """`about` one thing: what was `tried` and `seen`, what follows (`so`), and what to `change`, there or here."""

    about: str
    tried: str
    seen: str
    so: str = ""
    change: str = ""
    verdict: Verdict = "good"


@dataclass
class Examination:
    """`rung` is the one that a write would begin on."""

    source: str
    base: str
    release: str = ""
    software: str = ""
    rung: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def bad(self) -> bool:
        return any(each.verdict == "bad" for each in self.findings)

    def document(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> Iterator[str]:
        yield f"{self.base} ({self.software or 'software unstated'}, FHIR {self.release})"
        for each in self.findings:
            yield ""
            yield f"{MARKS[each.verdict]} {each.about:{MARGIN - 3}}{each.tried}"
            yield from _block("seen", each.seen)
            yield from _block("so", each.so)
            yield from _block("change", each.change)
        yield ""
        yield f"writing would begin on the rung: {self.rung}"


def _block(word: str, text: str) -> Iterator[str]:
    if text:
        first, rest = f"{'':{MARGIN}}{word + ':':8}", " " * (MARGIN + 8)
        yield from textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
