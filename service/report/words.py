"""Numbers and codes in, the few words that staff read out: neutral ones, which a patient may read, too."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.report.top import Group, Ranking, TopPatient

WINDOWS = {"p7d": "the last 7 days", "p1m": "the last month", "p1y": "the last year"}
HIDDEN = "suppressed"
NO_NUMBER = (HIDDEN, "", "-", "best", "not derived")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Columns side by side; those of numbers stand to the right."""
    body = [list(row) for row in rows]
    columns = list(zip(head, *body, strict=True))
    aligned = [_column(cells, numbers=place > 0 and _numbers(cells[1:])) for place, cells in enumerate(columns)]
    yield from ("  ".join(row).rstrip() for row in zip(*aligned, strict=True))


def _column(cells: Sequence[str], numbers: bool) -> list[str]:
    width = max(len(cell) for cell in cells)
    return [cell.rjust(width) if numbers else cell.ljust(width) for cell in cells]


def _numbers(cells: Sequence[str]) -> bool:
    return any(cell[:1].isdigit() for cell in cells) and all(cell[:1].isdigit() or cell in NO_NUMBER for cell in cells)


def comma_separated(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """RFC 4180; a null is an empty field."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    yield from buffer.getvalue().splitlines()


def amount(value: Decimal | float, unit: str) -> str:
    number = Decimal(str(value)).normalize()
    return f"{number:,f}" if unit == "1" else f"{number:,.2f} {unit}"


def count(n: int | None) -> str:
    return HIDDEN if n is None else f"{n:,}"


def percent(share: float | None) -> str:
    return HIDDEN if share is None else f"{share * 100:.1f} %"


def heading(ranking: Ranking, group: Group | None) -> str:
    unit = f" in {group.unit}" if group and group.unit != "1" else ""
    place = f" at {group.organization or 'no known organisation'}" if group and ranking.by_organization else ""
    return f"Patients by {ranking.by} of {WINDOWS[ranking.window]}{unit}{place}, as of {ranking.as_of[:10]}"


def reasons(patient: TopPatient) -> str:
    level = patient.level or f"no level ({patient.level_absent})"
    return f"level {level}" + (f": {', '.join(patient.reasons)}" if patient.reasons else "")


def unusual(patient: TopPatient) -> str:
    """Whether the value lies far above those of the others, with the statistic that says so."""
    if patient.outlier is None:
        return "not known"
    return f"{'far above' if patient.outlier else 'no'} ({patient.score:g})"
