"""A number of patients and a seed in, their resources as FHIR JSON bytes out, one at a time and always the same.

Plainly invented people with the shapes that real servers show: a heavy tail of visits and charges, shared patients,
stays within stays, merged records, partial dates, missing clinicians. Each patient is drawn from a generator of its
own, so that patient 7 is the same among ten and among ten thousand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec

from service.sandbox.population.bills import bills_of
from service.sandbox.population.claims import claim
from service.sandbox.population.directory import Directory
from service.sandbox.population.encounters import encounter
from service.sandbox.population.explanations import explanation
from service.sandbox.population.people import draw_person, patient_records
from service.sandbox.population.visits import visits_of

POPULATION_AS_OF = datetime(2026, 7, 1, tzinfo=UTC)
"""The day of the population, fixed so that its bytes never depend on the clock: histories end here."""

# Amounts are decimals and stay as written: 100.10, not 100.1.
_encode = msgspec.json.Encoder(decimal_format="number").encode


def generate(patients: int, seed: int = 1, as_of: datetime = POPULATION_AS_OF) -> Iterator[bytes]:
    """Organizations and clinicians first, then person after person: Patient, Encounters, Claims, ExplanationOfBenefits.

    A person whose record was merged has two Patients, so there are a few more Patients than `patients`.
    """
    yield from map(_encode, _directory(seed, as_of).resources())
    yield from histories(range(1, patients + 1), seed, as_of)


def histories(numbers: Iterable[int], seed: int = 1, as_of: datetime = POPULATION_AS_OF) -> Iterator[bytes]:
    """Of these people alone, counted from 1: so that several processes make a large population between them."""
    directory = _directory(seed, as_of)
    for number in numbers:
        yield from map(_encode, _person(number, seed, directory, as_of))


def _directory(seed: int, as_of: datetime) -> Directory:
    return Directory.draw(Random(f"{seed}:directory"), as_of)


def _person(number: int, seed: int, directory: Directory, as_of: datetime) -> Iterator[dict[str, Any]]:
    rng = Random(f"{seed}:{number}")
    person = draw_person(rng, number, directory, as_of)
    yield from patient_records(person)
    visits = visits_of(rng, person, directory)
    for visit in visits:
        yield encounter(visit)
    for bill in bills_of(rng, person, visits, as_of):
        yield claim(rng, bill)
        if person.payer_reports and bill.paid:
            yield explanation(rng, bill)
