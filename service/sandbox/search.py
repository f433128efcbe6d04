"""A query string in, the records that match out. https://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from service.sandbox.dates import ALWAYS, NEVER, UNDATED, interval
from service.sandbox.index import Indexes, Postings
from service.sandbox.outcome import Refusal, malformed
from service.sandbox.parameters import SEARCH, Parameter
from service.sandbox.store import Store
from service.sandbox.table import Table

Numbers = npt.NDArray[np.integer]
Flags = npt.NDArray[np.bool_]

DEFAULT_COUNT, LARGEST_COUNT = 20, 1000
SORTABLE = ("_id", "_lastUpdated", "date")
REVINCLUDE = "Provenance:target"

_UNESCAPED_COMMA = re.compile(r"(?<!\\),")
_DATE = re.compile(r"(eq|ge|gt|le|lt)?(\d.*)")


@dataclass(frozen=True)
class Criterion:
    """One parameter with the values of which one must match."""

    parameter: Parameter
    values: tuple[str, ...]


@dataclass
class Query:
    """What a client asks of one resource type: which resources, and how to be shown them."""

    type: str
    criteria: list[Criterion] = field(default_factory=list)
    sort: list[tuple[str, bool]] = field(default_factory=list)  # (parameter, descending)
    count: int = DEFAULT_COUNT
    total: bool = False
    counted_only: bool = False
    provenance: bool = False
    elements: tuple[str, ...] = ()  # these alone, where any are named


def parse(type: str, pairs: Iterable[tuple[str, str]]) -> Query:
    """Names and values as sent -> Query. Refuses what the server does not know: ignoring it would widen the answer."""
    query = Query(type)
    for name, value in pairs:
        if name in _RESULT:
            _RESULT[name](query, value)
        elif name in SEARCH[type]:
            query.criteria.append(_criterion(SEARCH[type][name], value))
        else:
            known = ", ".join([*SEARCH[type], *_RESULT])
            raise Refusal(400, "not-supported", f"unknown search parameter {name!r} for {type}; known are {known}")
    return query


def _criterion(parameter: Parameter, value: str) -> Criterion:
    values = tuple(part.replace("\\,", ",") for part in _UNESCAPED_COMMA.split(value) if part)
    if not values:
        raise malformed(f"{parameter.name} has no value")
    if parameter.kind in ("date", "updated"):
        for one in values:
            _bounds(one)
    return Criterion(parameter, values)


def _set_count(query: Query, value: str) -> None:
    if not value.isdecimal():
        raise malformed(f"_count must be a whole number, not {value!r}")
    query.count = min(int(value), LARGEST_COUNT)
    query.counted_only |= query.count == 0


def _set_sort(query: Query, value: str) -> None:
    for name in value.split(","):
        plain = name.removeprefix("-")
        if plain not in SORTABLE or plain not in SEARCH[query.type]:
            raise malformed(f"{query.type} cannot be sorted by {plain!r}")
        query.sort.append((plain, name.startswith("-")))


def _set_total(query: Query, value: str) -> None:
    query.total = _one_of("_total", value, ("accurate", "none", "estimate")) == "accurate"


def _set_summary(query: Query, value: str) -> None:
    query.counted_only |= _one_of("_summary", value, ("count", "false")) == "count"


def _set_revinclude(query: Query, value: str) -> None:
    query.provenance = bool(_one_of("_revinclude", value, (REVINCLUDE,)))


def _set_elements(query: Query, value: str) -> None:
    query.elements = tuple(name for name in value.split(",") if name)


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise malformed(f"{name}={value} is not supported; {name} can be {' or '.join(known)}")
    return value


def _accept_format(query: Query, value: str) -> None:
    """Whether the format is one that we speak has been settled before the query is read."""


_RESULT: dict[str, Callable[[Query, str], None]] = {
    "_count": _set_count,
    "_sort": _set_sort,
    "_total": _set_total,
    "_summary": _set_summary,
    "_revinclude": _set_revinclude,
    "_elements": _set_elements,
    "_format": _accept_format,
}


def find(store: Store, query: Query) -> array[int]:
    """The current records that meet every criterion, in the order asked for, else in that of their first arrival."""
    with store.lock:
        table, indexes = store.table(query.type), store.indexes(query.type)
        rows = _rows(table, indexes, query.criteria)
        for name, descending in reversed(query.sort):
            rows = rows[_order(table, indexes, SEARCH[query.type][name], rows, descending=descending)]
        found = array("I")
        found.frombytes(_column(table.current)[rows].tobytes())
        return found


def _rows(table: Table, indexes: Indexes, criteria: list[Criterion]) -> Numbers:
    """The rows by the indexes first, so that dates are compared for few."""
    looked_up = [c for c in criteria if c.parameter.kind not in ("date", "updated")]
    if looked_up:
        met = set.intersection(*(_looked_up(table, indexes, criterion) for criterion in looked_up))
        rows = np.array(sorted(met), dtype=np.uint32)
    else:
        rows = np.arange(len(table.ids), dtype=np.uint32)
    rows = rows[_column(table.length)[_column(table.current)[rows]] > 0]
    for criterion in criteria:
        if criterion not in looked_up:
            rows = rows[_within(table, indexes, criterion, rows)]
    return rows


def _column(numbers: array[int]) -> Numbers:
    """A view that has to be gone before the next write: an array that is looked at does not grow."""
    return np.frombuffer(numbers, dtype=np.dtype(numbers.typecode))


def _looked_up(table: Table, indexes: Indexes, criterion: Criterion) -> set[int]:
    parameter = criterion.parameter
    if parameter.kind == "id":
        return {table.row_of[value] for value in criterion.values if value in table.row_of}
    postings = indexes.postings(parameter)
    match = _by_token if parameter.kind == "token" else _by_reference
    return {row for value in criterion.values for row in match(postings, value)}


def _by_token(postings: Postings, value: str) -> Iterable[int]:
    """'system|code', '|code' without a system, 'system|' with any code, 'code' of any system."""
    if "|" not in value:
        return postings.having_any(lambda key: key.endswith(f"|{value}"))
    if value.endswith("|"):
        return postings.having_any(lambda key: key.startswith(value))
    return postings.having(value)


def _by_reference(postings: Postings, value: str) -> Iterable[int]:
    """'Type/id' at any base; a bare id means a Patient, as in `patient=x`."""
    return postings.having("/".join(value.split("/")[-2:]) if "/" in value else f"Patient/{value}")


_COMPARE: dict[str, Callable[[Numbers, Numbers, int, int], Flags]] = {
    # (what the resources cover, what the client names), both half-open; ge and le overlap as HAPI does it
    "eq": lambda starts, ends, first, last: (first <= starts) & (starts < ends) & (ends <= last),
    "ge": lambda _starts, ends, first, _last: ends > first,
    "gt": lambda _starts, ends, _first, last: ends > last,
    "le": lambda starts, _ends, _first, last: starts < last,
    "lt": lambda starts, _ends, first, _last: starts < first,
}


def _bounds(value: str) -> tuple[str, tuple[int, int]]:
    """'ge2026-03' -> ('ge', the month). Refuses what is no date, or bears a prefix that the server does not know."""
    match = _DATE.fullmatch(value)
    try:
        if match:
            return match[1] or "eq", interval(match[2].replace(" ", "+"))
    except (ValueError, OverflowError):
        pass
    raise malformed(f"{value!r} is no date; prefixes are eq, ge, gt, le, lt")


def _within(table: Table, indexes: Indexes, criterion: Criterion, rows: Numbers) -> Flags:
    """Of each row whether any of the values is met."""
    starts, ends = _covered(table, indexes, criterion.parameter, rows)
    met = np.zeros(len(rows), dtype=bool)
    for prefix, named in map(_bounds, criterion.values):
        met |= _COMPARE[prefix](starts, ends, *named)
    return met


def _covered(table: Table, indexes: Indexes, parameter: Parameter, rows: Numbers) -> tuple[Numbers, Numbers]:
    """Of each row when it begins and ends."""
    if parameter.kind == "date":
        starts, ends = indexes.dates(parameter).columns
        return _column(starts)[rows], _column(ends)[rows]
    updated = _column(table.updated)[_column(table.current)[rows]]
    return updated, updated + 1


def _order(table: Table, indexes: Indexes, parameter: Parameter, rows: Numbers, *, descending: bool) -> Numbers:
    """By id, or by when it starts; what has no date comes last either way. Of two alike the first stays the first."""
    if parameter.kind == "id":
        ids = [table.ids[row] for row in rows]
        return np.array(sorted(range(len(ids)), key=ids.__getitem__, reverse=descending), dtype=np.intp)
    starts, ends = _covered(table, indexes, parameter, rows)
    undated = (starts == UNDATED[0]) & (ends == UNDATED[1])
    keys = np.where(undated, NEVER if descending else ALWAYS, starts)
    return np.argsort(-keys if descending else keys, kind="stable")
