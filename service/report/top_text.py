"""A ranking or its aggregate in, a table for a terminal or comma-separated values out."""

from __future__ import annotations

from collections.abc import Iterator

from service.report.aggregate import Aggregate, Summary
from service.report.standing import MODIFIED_Z
from service.report.top import Group, Ranking, TopPatient
from service.report.words import amount, comma_separated, count, heading, table, unusual

COLUMNS = (
    "place", "value", "unit", "percentile", "outlier", "statistic", "score", "patient", "level", "pathways", "reasons",
)  # fmt: skip


def lines(ranking: Ranking) -> Iterator[str]:
    for group in ranking.groups:
        yield heading(ranking, group)
        yield from _group(group)
        yield ""
    if not ranking.patients:
        yield "nobody"
    if ranking.unknown:
        yield f"note: of {ranking.unknown:,} patients this is not known; they have no place"
    yield from (f"note: {note}" for note in ranking.notes)
    yield f"policy {ranking.policy_version}, run {ranking.run}; for the care team"


def _group(group: Group) -> Iterator[str]:
    head = ("place", "how much", "percentile", "outlier", "patient", "level", "pathways", "reasons")
    yield from (f"  {line}" for line in table(head, (_row(patient) for patient in group.patients)))
    if group.equal_beyond:
        yield f"  {group.equal_beyond:,} more have as much as the last of these"
    yield f"  among {group.n:,} patients, median {amount(group.median, group.unit)}; {_rule(group)}"


def _row(patient: TopPatient) -> tuple[str, ...]:
    return (
        str(patient.place),
        amount(patient.value, patient.unit),
        f"{patient.percentile * 100:.1f}",
        unusual(patient),
        patient.patient,
        patient.level or f"no level ({patient.level_absent})",
        ", ".join(patient.pathways) or "-",
        ", ".join(patient.reasons) or "-",
    )


def _rule(group: Group) -> str:
    if group.statistic is None or group.bound is None:
        return "outliers are not known: half of these have the same value"
    rule = "modified z on log1p" if group.statistic == MODIFIED_Z else "Tukey's fence"
    return f"{group.outliers or 0:,} far above ({rule} over {group.bound:g})"


def csv_lines(ranking: Ranking) -> Iterator[str]:
    """A line a patient; lists are separated by blanks. What must be said of all stands in the last columns."""
    rows = [
        (*_cells(patient), group.organization, ranking.as_of, ranking.limited)
        for group in ranking.groups
        for patient in group.patients
    ]
    yield from comma_separated((*COLUMNS, "organization", "as-of", "restricted-pull"), rows)


def _cells(one: TopPatient) -> tuple[object, ...]:
    outlier = None if one.outlier is None else str(one.outlier).lower()
    told = (one.place, f"{one.value.normalize():f}", one.unit, one.percentile, outlier, one.statistic, one.score)
    return (*told, one.patient, one.level, " ".join(one.pathways), " ".join(one.reasons))


def aggregate_lines(found: Aggregate) -> Iterator[str]:
    for each in found.summaries:
        place = each.organization or "all of the source"
        yield f"{found.measure}, {'' if each.unit == '1' else each.unit + ', '}{place}"
        yield from (f"  {line}" for line in table(("what", "how many"), _told(each)))
        yield ""
    if not found.summaries:
        yield "nobody"
    yield f"note: patients of whom this is not known: {count(found.unknown)}"
    yield from (f"note: {note}" for note in found.notes)


def aggregate_csv(found: Aggregate) -> Iterator[str]:
    rows = [(each.organization, each.unit, what, number) for each in found.summaries for what, number in _told(each)]
    yield from comma_separated(("organization", "unit", "what", "value"), rows)


def _told(each: Summary) -> Iterator[tuple[str, str]]:
    yield "patients", count(each.n)
    yield from ((kind, count(n)) for kind, n in each.counts.items())
    yield from ((f"level {name}", count(n)) for name, n in each.levels.items())
    yield from ((name, count(n)) for name, n in each.pathways.items())
    yield from ((name, amount(value, each.unit)) for name, value in each.quantiles.items())
