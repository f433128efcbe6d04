"""What is served can be searched by: per resource type the parameters, and what one value of each means in SQL.

The CapabilityStatement that is published lists the same; a test compares.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from service.compose.canonical import CATEGORY, LEVEL, MEASURE, PATHWAY
from service.facade.outcome import malformed
from service.facade.search.condition import ALL, NONE, Condition, every
from service.facade.search.moments import Moment

Kind = Literal["token", "reference", "date", "uri"]
Meaning = Callable[[str], Condition]

OBSERVATION_STATUS = "http://hl7.org/fhir/observation-status"
LIST_STATUS = "http://hl7.org/fhir/list-status"
REPORT_STATUS = "http://hl7.org/fhir/measure-report-status"
AUDIT_OUTCOME = "http://terminology.hl7.org/CodeSystem/audit-event-outcome"
# Every file that is searched knows the function `now`, in milliseconds since 1970.
COUNTS = Condition("until > (SELECT now())")
UPDATED = "coalesce(updated, (SELECT CAST(value AS INTEGER) FROM about WHERE name = 'published'))"

FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


@dataclass(frozen=True)
class Parameter:
    """`meaning` is of one value; several values with commas between them mean any."""

    name: str
    kind: Kind
    meaning: Meaning


def _token(column: str, system: str) -> Meaning:
    """`code` or `system|code`; every code in that column is of that one system."""

    def meaning(value: str) -> Condition:
        code = _code_in(system, value)
        return NONE if code is None else Condition(f"{column} = ?", (code,))

    return meaning


def _always(system: str, code: str) -> Meaning:
    """An element that is the same in all that is served."""
    return lambda value: ALL if _code_in(system, value) == code else NONE


def _pathway(value: str) -> Condition:
    code = _code_in(PATHWAY, value)
    if code is None:
        return NONE
    return Condition("row IN (SELECT row FROM pathways WHERE code = ?)", (code,))


def _code_in(system: str, value: str) -> str | None:
    """The code, None where it is of another system."""
    given, bar, code = value.rpartition("|")
    if not code or "|" in given:
        raise malformed("a token is code or system|code")
    return code if not bar or given == system else None


def _id(value: str) -> Condition:
    if not FHIR_ID.fullmatch(value):
        raise malformed("that is no FHIR id")
    return Condition("id = ?", (value,))


def _reference(column: str, type: str) -> Meaning:
    """`id` or `Type/id`; an absolute one is of another server, and so of nobody here."""

    def meaning(value: str) -> Condition:
        if "://" in value:
            return NONE
        given, _, identifier = value.rpartition("/")
        if given not in ("", type) or not FHIR_ID.fullmatch(identifier):
            raise malformed(f"that is no reference such as {type}/1")
        return Condition(f"{column} = ?", (f"{type}/{identifier}",))

    return meaning


def _instant(column: str) -> Meaning:
    return lambda value: Moment.parse(value).of_instant(column)


def _uri(column: str) -> Meaning:
    return lambda value: Condition(f"{column} = ?", (value,))


def _period(value: str) -> Condition:
    return Moment.parse(value).of_period("opens", "as_of")


def _counting(meaning: Meaning) -> Meaning:
    """Only while the profile counts: a Patient stays, and what it bore lapses."""
    return lambda value: every([meaning(value), COUNTS])


_COMMON = (Parameter("_id", "token", _id), Parameter("_lastUpdated", "date", _instant(UPDATED)))
_PATIENT = Parameter("patient", "reference", _reference("patient", "Patient"))
_LEVELS = (
    Parameter("personalization-level", "token", _counting(_token("level", LEVEL))),
    Parameter("personalization-pathway", "token", _counting(_pathway)),
    Parameter("personalization-as-of", "date", _counting(_instant("as_of"))),
    Parameter("personalization-valid-until", "date", _counting(_instant("until"))),
)
_OWN: dict[str, tuple[Parameter, ...]] = {
    "AuditEvent": (
        _PATIENT,
        Parameter("date", "date", _instant("as_of")),
        Parameter("outcome", "token", _token("status", AUDIT_OUTCOME)),
    ),
    "List": (
        Parameter("code", "token", _token("code", MEASURE)),
        Parameter("date", "date", _instant("as_of")),
        Parameter("status", "token", _token("status", LIST_STATUS)),
    ),
    "MeasureReport": (
        Parameter("date", "date", _instant("as_of")),
        Parameter("measure", "reference", _uri("code")),
        Parameter("status", "token", _token("status", REPORT_STATUS)),
    ),
    "Observation": (
        _PATIENT,
        Parameter("subject", "reference", _reference("patient", "Patient")),
        Parameter("category", "token", _always(CATEGORY, "personalization")),
        Parameter("code", "token", _always(MEASURE, "profile")),
        Parameter("date", "date", _period),
        Parameter("status", "token", _token("status", OBSERVATION_STATUS)),
        Parameter("value-concept", "token", _token("level", LEVEL)),
        *_LEVELS,
    ),
    "Patient": _LEVELS,
    "Provenance": (_PATIENT, Parameter("target", "reference", _reference("target", "Observation"))),
}

SEARCH: dict[str, dict[str, Parameter]] = {
    type: {parameter.name: parameter for parameter in sorted((*_COMMON, *own), key=lambda each: each.name)}
    for type, own in sorted(_OWN.items())
}
"""Resource type -> name -> parameter. A type that is not here is not served."""

SORTS = {"date": "as_of", "_lastUpdated": UPDATED}
REVINCLUDE = "Provenance:target"
