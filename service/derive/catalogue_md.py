"""The catalogue and the shipped policy in, docs/measures.md out.

python -m service.derive.catalogue_md
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from service.derive.catalogue import FAMILIES
from service.derive.measure import DIMENSIONS, REASONS, Family
from service.derive.policy import Policy
from service.derive.rules import VALUE, Condition, LevelRow, PathwayRow, Rule
from service.derive.windows import WORDS
from service.derive.wording import unit, unknown_when

PAGE = Path(__file__).parents[2] / "docs" / "measures.md"
MADE = "<!-- Made by `python -m service.derive.catalogue_md` from the catalogue and policy.toml; a test compares. -->"
OPENING = """\
# Measures, levels and pathways

Every measure belongs to one of seven dimensions. A code is the family's name with its window, such as `ed-visits-p1y`;
windows are half-open and end at `as_of`: `p7d` is the 7 days, `p1m` the month, `p1y` the year before it. Unknown is
never zero: a measure that is unknown has a reason instead of a value. [How to add one](add-a-measure.md).
"""
NEEDS = {
    "interpreter": "the record says that an interpreter is required",
    "language": "the preferred language is none that needs no interpreter here",
    "disability": "the record names a disability",
}
COMPARED = {">=": "at least", "<": "below"}


def page() -> str:
    parts = [MADE, OPENING, *map(_dimension, DIMENSIONS), _reasons(), _policy(Policy.load())]
    return "\n".join(parts)


def _dimension(dimension: str) -> str:
    lines = [
        f"## {dimension.capitalize()}",
        "",
        *_table("Measure", "Definition", "Unit", "Windows", "Source", "Unknown when"),
    ]
    lines += [_row(*_told(family)) for family in FAMILIES if family.dimension == dimension]
    return "\n".join(lines) + "\n"


def _told(family: Family) -> tuple[str, ...]:
    windows = ", ".join(WORDS[window] for window in family.windows)
    name = f"**{family.title}**<br>" + ", ".join(f"`{code}`" for code in family.codes)
    return name, family.definition, unit(family), windows, family.source, unknown_when(family)


def _reasons() -> str:
    lines = ["## Why a measure may be unknown", "", *_table("Reason", "Meaning")]
    return "\n".join([*lines, *(_row(f"`{code}`", words) for code, words in REASONS.items())]) + "\n"


def _policy(policy: Policy) -> str:
    lines = [
        f"## The shipped policy, version {policy.version}",
        "",
        "The first level whose rule fires is the patient's; `standard` is everybody else of whom visits are known. The",
        "deceased, and patients of whom visits are unknown, have neither level nor pathway. Thresholds are data:",
        "`service/derive/policy.toml`.",
        "",
        *_table("Gives", "When", "Reason told", "Where the threshold comes from"),
    ]
    return "\n".join([*lines, *(line for row in policy.rows for line in _given(row))]) + "\n"


def _given(row: LevelRow | PathwayRow) -> Iterator[str]:
    if isinstance(row, PathwayRow):
        for level in row.levels:
            yield _row(f"`{row.name}`", f"the level is {level}", "that of the level", "own choice")
        for need in row.recorded:
            yield _row(f"`{row.name}`", NEEDS[need], "none: an accommodation", "own choice")
    for rule in row.any:
        yield _row(f"`{row.name}`", _when(rule), f"`{rule.rationale_code}`", rule.source)


def _when(rule: Rule) -> str:
    told = _condition(rule)
    told += "".join(f", provided {_condition(each)}" for each in rule.provided)
    told += f"; `{rule.instead}` where that is unknown" if rule.instead else ""
    return told + (f", from the age of {rule.min_age_years}" if rule.min_age_years else "")


def _condition(condition: Condition) -> str:
    if condition.comparator not in COMPARED:
        return f"`{condition.measure}` over {condition.threshold} months ago or never"
    of = "" if condition.of == VALUE else f"{condition.of} of "
    unit = "" if condition.in_unit == "1" else f" {'days' if condition.in_unit == 'd' else condition.in_unit}"
    return f"{of}`{condition.measure}` {COMPARED[condition.comparator]} {condition.threshold}{unit}"


def _table(*titles: str) -> list[str]:
    return [_row(*titles), _row(*("---" for _ in titles))]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main() -> None:
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
