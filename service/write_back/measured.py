"""Two panels in, the measures of both side by side out: an amount is a measure of its own in each currency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from service.compose.canonical import CURRENCY, NO_CURRENCY
from service.compose.content import Json

NO_AMOUNT = ("", NO_CURRENCY)


@dataclass(frozen=True)
class Pair:
    """A component as it stands and as it shall be; None where there is none."""

    before: Json | None
    after: Json | None

    @property
    def code(self) -> str:
        return code_of((self.after or self.before or {}).get("code")) or ""

    @property
    def currency(self) -> str:
        """Empty for what is no amount of money."""
        named = (currency(each) for each in (self.after, self.before) if each)
        return next((each for each in named if each not in NO_AMOUNT), "")


def pairs(before: Json, after: Json) -> Iterator[Pair]:
    """In the order of the panel; what was nothing, or unknown, is the one that became the first amount, and back."""
    old, new = _by_code(before), _by_code(after)
    for code in [*new, *(code for code in old if code not in new)]:
        yield from _of_one(old.get(code, {}), new.get(code, {}))


def _of_one(old: dict[str, Json], new: dict[str, Json]) -> Iterator[Pair]:
    gone, come = [each for each in old if each not in new], [each for each in new if each not in old]
    if gone and come and (gone[0] in NO_AMOUNT or come[0] in NO_AMOUNT):
        yield Pair(old[gone.pop(0)], new[come.pop(0)])
    yield from (Pair(old[each], new[each]) for each in new if each in old)
    yield from (Pair(None, new[each]) for each in come)
    yield from (Pair(old[each], None) for each in gone)


def _by_code(panel: Json) -> dict[str, dict[str, Json]]:
    found: dict[str, dict[str, Json]] = defaultdict(dict)
    for component in panel.get("component", []):
        found[code_of(component.get("code")) or ""][currency(component)] = component
    return found


def currency(component: Json) -> str:
    quantity = component.get("valueQuantity", {})
    return str(quantity.get("code")) if quantity.get("system") == CURRENCY else ""


def code_of(concept: Any, system: str | None = None) -> str | None:
    """The first code of a CodeableConcept, or the first of that system."""
    codings = (concept or {}).get("coding", [])
    return next((coding.get("code") for coding in codings if system in (None, coding.get("system"))), None)
