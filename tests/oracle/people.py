"""In: Patient resources. Out: people, each the union of the records that were merged into one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from .instants import instant
from .references import Json, groups, name, target


@dataclass(frozen=True)
class Person:
    """One person: the surviving record, all their records, when they were born and died."""

    id: str
    records: frozenset[str]
    births: frozenset[date]
    deceased: bool
    death: datetime | None
    looked_after_by: str | None


def people(patients: Iterable[Json], zone: ZoneInfo) -> list[Person]:
    """Merge records by Patient.link replaced-by and replaces; seealso never merges."""
    by_name = {name(patient): patient for patient in patients}
    replaced = [pair for patient in by_name.values() for pair in replacements(patient)]
    named = {record for pair in replaced for record in pair}
    linked = groups([*by_name, *sorted(named - by_name.keys())], replaced)
    gone = {old for old, _ in replaced}
    present = [{record: by_name[record] for record in sorted(group & by_name.keys())} for group in linked]
    return [person(records, gone, zone) for records in present if records]


def replacements(patient: Json) -> Iterator[tuple[str, str]]:
    """The (old, new) pairs that one record tells of."""
    for link in patient.get("link", []):
        other = target(link.get("other"))
        if other and link["type"] == "replaced-by":
            yield name(patient), other
        if other and link["type"] == "replaces":
            yield other, name(patient)


def person(records: dict[str, Json], gone: set[str], zone: ZoneInfo) -> Person:
    """The person behind some records. Nobody replaced the survivor; where that leaves several or none, the first id."""
    deaths = [instant(text, zone) for record in records.values() if (text := record.get("deceasedDateTime"))]
    survivor = min(set(records) - gone or records)
    return Person(
        id=survivor,
        records=frozenset(records),
        births=frozenset(date.fromisoformat(text) for text in birth_dates(records.values())),
        deceased=bool(deaths) or any(record.get("deceasedBoolean") for record in records.values()),
        death=min(deaths, default=None),
        looked_after_by=next(filter(None, map(target, records[survivor].get("generalPractitioner", []))), None),
    )


def birth_dates(records: Iterable[Json]) -> Iterator[str]:
    """The full birth dates; a partial one names no day."""
    return (text for record in records if len(text := record.get("birthDate", "")) == 10)
