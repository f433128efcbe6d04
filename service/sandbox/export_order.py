"""The parameters of a Bulk Data kick-off in, what is asked for out, as far as this server's habits let it be asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field

from service.sandbox.dates import interval
from service.sandbox.outcome import Refusal, malformed
from service.sandbox.parameters import SEARCH

Level = Literal["system", "Patient", "Group"]
Parameter = Literal["_type", "_since", "_typeFilter", "patient"]
PARAMETERS: tuple[Parameter, ...] = get_args(Parameter)
NDJSON = "application/fhir+ndjson"
_FORMATS = (NDJSON, "application/ndjson", "ndjson")
_QUERIES = re.compile(r",(?=[A-Z][A-Za-z]+\?)")
_RESULT = {"_include", "_revinclude", "_sort", "_count", "_summary", "_elements", "_total"}


class Habits(BaseModel):
    """How this server exports, beside what the specification leaves no choice in."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=lambda name: name.replace("_", "-"))

    at: frozenset[Level] = frozenset(get_args(Level))
    no: frozenset[Parameter] = frozenset()  # refused, unless handling=lenient is preferred
    ignored: frozenset[Parameter] = frozenset()
    polls: int = Field(default=1, ge=0)  # answered with 202 before it is done
    retry_after: str | None = None
    token: str = ""  # without it neither kick-off nor status is answered
    requires_access_token: bool = False
    files_at: str = ""  # the origin that its file addresses name
    relative: bool = False
    location: bool = True
    file_lines: int = Field(default=1000, ge=1)
    downloads: int | None = None  # so many, and then the links have expired
    signed: bool = False  # each time that the manifest is asked for its links are new, and older ones are refused
    counts: bool = True
    gzip: bool = True
    final_newline: bool = True
    repeated: bool = False  # lines stand twice in a file, and again in the next
    spoilt: bool = False  # one line of each type is no JSON, and one is of another type
    errors: tuple[str, ...] = ()  # the severities of the outcomes in its error file
    behind: float = 0.0  # seconds by which transactionTime lies in the past


@dataclass(frozen=True)
class Order:
    """What a client asked for; `patients` None means all."""

    level: Level
    url: str
    types: tuple[str, ...]
    since: int | None  # epoch milliseconds
    filters: Mapping[str, list[list[tuple[str, str]]]]
    patients: frozenset[str] | None = None
    group: str = ""


def ordered(level: Level, url: str, asked: Iterable[tuple[str, str]], habits: Habits, *, lenient: bool) -> Order:
    """Names and values as sent -> Order. What the server does not take is refused, or left out where that was asked."""
    said = _taken([(name, value) for name, value in asked], habits, lenient)
    if _all(said, "_outputFormat", _FORMATS[:1])[0] not in _FORMATS:
        raise malformed("_outputFormat must be application/fhir+ndjson")
    if len([name for name, _ in said if name == "_type"]) > 1:
        raise malformed("_type must stand once, its types joined by commas")
    types = tuple(part for value in _all(said, "_type") for part in value.split(",") if part)
    for type in types:
        if type not in SEARCH:
            raise malformed(f"_type names {type!r}, which this server does not know")
    patients = frozenset(value.removeprefix("Patient/") for value in _all(said, "patient"))
    if patients and level == "system":
        raise malformed("patient has no place in a system-level export")
    return Order(level, url, types, _since(said), _filters(said), patients or None)


def _taken(said: list[tuple[str, str]], habits: Habits, lenient: bool) -> list[tuple[str, str]]:
    for name, _ in said:
        if name not in (*PARAMETERS, "_outputFormat") or name in habits.no:
            if not lenient:
                raise Refusal(400, "not-supported", f"this server takes no {name} in an export")
            said = [each for each in said if each[0] != name]
    return [each for each in said if each[0] not in habits.ignored]


def _all(said: list[tuple[str, str]], name: str, otherwise: tuple[str, ...] = ()) -> list[str]:
    return [value for each, value in said if each == name] or [*otherwise]


def _since(said: list[tuple[str, str]]) -> int | None:
    for value in _all(said, "_since"):
        text = value.replace(" ", "+")
        if not re.search(r"T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$", text):
            raise malformed(f"_since must be an instant with its zone, not {value!r}")
        return interval(text)[0]
    return None


def _filters(said: list[tuple[str, str]]) -> dict[str, list[list[tuple[str, str]]]]:
    """Several queries for one type mean either of them."""
    filters: dict[str, list[list[tuple[str, str]]]] = {}
    for value in _all(said, "_typeFilter"):
        for query in _QUERIES.split(value):
            type, _, rest = query.partition("?")
            pairs = parse_qsl(rest)
            if type not in SEARCH or not pairs or {name.partition(":")[0] for name, _ in pairs} & _RESULT:
                raise malformed(f"_typeFilter {query!r} is no query of what this server exports")
            filters.setdefault(type, []).append(pairs)
    return filters
