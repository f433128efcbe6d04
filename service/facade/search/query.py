"""What a search sent in, a checked query out. https://hl7.org/fhir/R4/search.html

Nothing that is not understood is ignored: a filter left out would show more than was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.facade.outcome import malformed, not_supported
from service.facade.search.condition import Condition, either, every
from service.facade.search.parameters import REVINCLUDE, SEARCH, SORTS

COUNT, MOST = 20, 200
_SILENT = {"_format", "_pretty"}  # looked at elsewhere, or of no consequence
_ONCE = {"_count", "_sort", "_total", "_summary"}
_COMMA = re.compile(r"(?<!\\),")
_ESCAPED = re.compile(r"\\([,|$\\])")

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Query:
    """`pairs` is what was asked, as it is repeated in the self link; `sort` a column, `down` from the newest."""

    type: str
    pairs: tuple[tuple[str, str], ...]
    condition: Condition
    count: int = COUNT
    sort: str | None = None
    down: bool = False
    provenance: bool = False
    total: bool = False
    counted_only: bool = False


def parse(type: str, pairs: Pairs) -> Query:
    shaping = {name: value for name, value in pairs if name in _ONCE}
    if len(shaping) != sum(name in _ONCE for name, _ in pairs):
        raise malformed("_count, _sort, _total and _summary are given once")
    filters = [pair for pair in pairs if pair[0] not in {*_ONCE, *_SILENT, "_revinclude"}]
    (sort, down), count = _sort(shaping.get("_sort", "")), _count(shaping.get("_count"))
    return Query(
        type,
        tuple(pairs),
        every(meaning(type, name, value) for name, value in filters),
        count=count,
        sort=sort,
        down=down,
        provenance=_revinclude(type, [value for name, value in pairs if name == "_revinclude"]),
        total=_one_of(shaping, "_total", {"none": False, "estimate": True, "accurate": True}),
        counted_only=_one_of(shaping, "_summary", {"false": False, "count": True}) or count == 0,
    )


def meaning(type: str, name: str, value: str) -> Condition:
    """What one `name=value` of a search, or of a scope, says."""
    parameter = SEARCH[type].get(name)
    if parameter is None:
        known = ", ".join(SEARCH[type])
        raise not_supported(f"{type} is searched by {known}; without modifiers and chains")
    values = [_ESCAPED.sub(r"\1", each) for each in _COMMA.split(value)]
    if not all(values):
        raise malformed(f"{name} has no value")
    return either(parameter.meaning(each) for each in values)


def _count(text: str | None) -> int:
    """0 is a count alone, and what is more than most is most: both are the specification's."""
    if text is None:
        return COUNT
    if not re.fullmatch(r"\d{1,9}", text):
        raise malformed("_count is a number")
    return min(int(text), MOST)


def _sort(text: str) -> tuple[str | None, bool]:
    name = text.removeprefix("-")
    if not name:
        return None, False
    if name not in SORTS:
        raise not_supported(f"sorted by {', '.join(SORTS)}, one of them")
    return SORTS[name], text.startswith("-")


def _revinclude(type: str, values: Iterable[str]) -> bool:
    wanted = set(values)
    if wanted - {REVINCLUDE} or (wanted and type != "Observation"):
        raise not_supported(f"of an Observation {REVINCLUDE} may be included, and nothing else")
    return bool(wanted)


def _one_of(shaping: dict[str, str], name: str, words: dict[str, bool]) -> bool:
    value = shaping.get(name)
    if value is not None and value not in words:
        raise not_supported(f"{name} is {' or '.join(words)}")
    return words.get(value or "", False)
