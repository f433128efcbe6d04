"""How much of an answer is read at most: more than any server that means well sends."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Caps:
    """`body` is in bytes once decompressed; beyond `unsuspicious` no more than `ratio` times what was sent."""

    body: int = 256 * 1024 * 1024
    unsuspicious: int = 8 * 1024 * 1024
    ratio: int = 200
    entries: int = 50_000
    pages: int = 1_000_000
    empty_pages: int = 1_000


CAPS = Caps()
