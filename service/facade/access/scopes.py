"""The `scope` of a token in, what each scope grants out. SMART App Launch 2.2.0, scopes-and-launch-context.

Parsed strictly: what is not understood to the last letter grants nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import parse_qsl

from service.facade.outcome import Refusal
from service.facade.search.query import meaning

Context = Literal["patient", "user", "system"]
Letter = Literal["c", "r", "u", "d", "s"]

_SCOPE = re.compile(
    r"(?P<context>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]{1,63})\.(?P<may>[a-z*]+)(\?(?P<query>[\x21-\x7e]+))?"
)
_V2 = re.compile(r"(?=.)c?r?u?d?s?")
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}


@dataclass(frozen=True)
class Scope:
    """`type` is `*` for all of them; `restrictions` are `param=value` that a resource has to meet, all of them."""

    context: Context
    type: str
    letters: str
    restrictions: tuple[tuple[str, str], ...] = ()

    def grants(self, type: str, letter: Letter) -> bool:
        """Who looked at whom is more than all data: it has to be named."""
        named = self.type == type or (self.type == "*" and type != "AuditEvent")
        return named and letter in self.letters and self._understood(type)

    def _understood(self, type: str) -> bool:
        try:
            for name, value in self.restrictions:
                meaning(type, name, value)
        except Refusal:
            return False
        return True


def scopes(text: str) -> tuple[Scope, ...]:
    """Those that are about resources; `launch`, `openid` and their like are about other things."""
    return tuple(_parsed(text.split()))


def _parsed(words: list[str]) -> Iterator[Scope]:
    for word in words:
        if (match := _SCOPE.fullmatch(word)) and (letters := _letters(match["may"])):
            restrictions = _restrictions(match["query"])
            if restrictions is not None:
                yield Scope(cast(Context, match["context"]), match["type"], letters, restrictions)


def _letters(may: str) -> str:
    """v1 words, or v2 letters in their order; anything else is nothing."""
    return _V1.get(may) or (may if _V2.fullmatch(may) else "")


def _restrictions(query: str | None) -> tuple[tuple[str, str], ...] | None:
    if query is None:
        return ()
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        return None
    return tuple(pairs)
