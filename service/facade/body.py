"""The body of a request in, a JSON object out; what two readers could read differently is refused.

Of a key that comes twice one reader takes the first and another the last; and what is nested without end is no request.
"""

from __future__ import annotations

import json
import re
from typing import Any

from service.facade.outcome import malformed

DEEPEST = 30
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"?')
_BRACKETS = re.compile(rb"[\[\]{}]")


def strict_json(body: bytes) -> dict[str, Any]:
    if _depth(body) > DEEPEST:
        raise malformed(f"the body is nested deeper than {DEEPEST}")
    try:
        read = _json.decode(body.decode())
    except (ValueError, RecursionError):
        raise malformed("the body is no JSON, or has a key twice") from None
    if not isinstance(read, dict):
        raise malformed("the body is no JSON object")
    return read


def _depth(body: bytes) -> int:
    """Counted before it is read: a reader may fall over what is too deep."""
    if (opened := body.count(b"[") + body.count(b"{")) <= DEEPEST:
        return opened  # at most
    deepest = depth = 0
    for bracket in _BRACKETS.findall(_TEXT.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) != len(pairs):
        raise ValueError("a key twice")
    return held


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


_json = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)
