"""A random generator and a number in, one person out: who they are, where they go, and their Patient resources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from service.sandbox.population.codes import SNOMED, Element, concept, identifier
from service.sandbox.population.directory import Clinician, Directory, Organization
from service.sandbox.population.draw import Weighted, lognormal, meta, within

HISTORY = timedelta(days=3 * 365)

_SEXES = Weighted({"female": 0.51, "male": 0.48, "other": 0.005, "unknown": 0.005})
_LANGUAGES = Weighted({"en": 0.78, "es": 0.11, "zh": 0.04, "fr": 0.03, "ar": 0.02, "vi": 0.02})
_RACES = Weighted({"2106-3": 0.6, "2054-5": 0.14, "2028-9": 0.08, "2131-1": 0.08, "": 0.1})
_RACE_NAMES = {
    "2106-3": "White",
    "2054-5": "Black or African American",
    "2028-9": "Asian",
    "2131-1": "Other Race",
}
# How likely the next visit is with the usual clinician, and how many others the person sees.
_LOYALTIES = Weighted({(0.9, 3): 0.45, (0.5, 6): 0.35, (0.1, 14): 0.2})

_US_CORE_RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"
_OMB = "urn:oid:2.16.840.1.113883.6.238"
_INTERPRETER = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
_DISABILITY = "http://hl7.org/fhir/StructureDefinition/patient-disability"


@dataclass(frozen=True)
class Person:
    """One human being of the population; `old_record` is the id of a Patient that was merged into theirs."""

    number: int
    sex: str
    language: str
    race: str
    interpreter: bool
    disabled: bool
    newborn: bool
    born: datetime
    birth_date: str  # as recorded: sometimes no more than the year
    died: datetime | None
    first: datetime  # the history that is kept of them: [first, last)
    last: datetime
    merged: datetime | None
    visits_a_year: float
    home: Organization
    usual: Clinician
    circle: tuple[Clinician, ...]
    loyalty: float
    attends_prevention: bool
    payer_reports: bool
    registered_with_usual: bool
    updated: datetime

    @property
    def id(self) -> str:
        return f"pt-{self.number:06}"

    @property
    def reference(self) -> str:
        return f"Patient/{self.id}"

    @property
    def old_reference(self) -> str:
        return f"{self.reference}-old"

    def subject_at(self, moment: datetime) -> str:
        """Which record a visit of that time was written to."""
        return self.old_reference if self.merged and moment < self.merged else self.reference


def draw_person(rng: Random, number: int, directory: Directory, as_of: datetime) -> Person:
    history_start = as_of - HISTORY
    newborn = rng.random() < 0.015
    born = within(rng, history_start if newborn else as_of - timedelta(days=90 * 365), as_of - timedelta(days=30))
    born = born.replace(hour=12)  # the same day in every zone that an organization writes
    first = max(history_start, born)
    died = within(rng, first, as_of) if not newborn and rng.random() < 0.03 else None
    last = died or as_of
    home = rng.choice(directory.organizations)
    loyalty, others = _LOYALTIES.pick(rng)
    language = _LANGUAGES.pick(rng)
    return Person(
        number=number,
        sex=_SEXES.pick(rng),
        language=language,
        race=_RACES.pick(rng),
        interpreter=rng.random() < (0.01 if language == "en" else 0.3),
        disabled=rng.random() < 0.03,
        newborn=newborn,
        born=born,
        birth_date=_recorded(rng, born.date(), newborn),
        died=died,
        first=first,
        last=last,
        merged=within(rng, first, last) if rng.random() < 0.03 else None,
        visits_a_year=lognormal(rng, 4.6, 1.45, 0.1, 250),
        home=home,
        usual=rng.choice(directory.at(home)),
        circle=tuple(rng.sample(directory.clinicians, others)),
        loyalty=loyalty,
        attends_prevention=rng.random() < 0.6,
        payer_reports=rng.random() < 0.2,
        registered_with_usual=rng.random() < 0.6,
        updated=within(rng, first, as_of),
    )


def _recorded(rng: Random, born: date, newborn: bool) -> str:
    return str(born.year) if not newborn and rng.random() < 0.01 else born.isoformat()


def patient_records(person: Person) -> Iterator[Element]:
    """The person's Patient, and before it the one that was merged into it."""
    if person.merged:
        yield _patient(person, f"{person.id}-old", active=False, link=(person.reference, "replaced-by"))
        yield _patient(person, person.id, active=True, link=(person.old_reference, "replaces"))
    else:
        yield _patient(person, person.id, active=True, link=None)


def _patient(person: Person, id: str, active: bool, link: tuple[str, str] | None) -> Element:
    number = f"{person.number:06}"
    gp = [{"reference": person.usual.practitioner}]
    return {
        "resourceType": "Patient",
        "id": id,
        "meta": meta(person.updated),
        "extension": _extensions(person),
        "identifier": identifier("patient", id.removeprefix("pt-")),
        "active": active,
        "name": [{"text": f"Sandbox Patient {number}", "family": f"Patient-{number}", "given": ["Sandbox"]}],
        "gender": person.sex,
        "birthDate": person.birth_date,
        **({"deceasedDateTime": person.died.isoformat()} if person.died else {}),
        "communication": [{"language": concept("urn:ietf:bcp:47", person.language), "preferred": True}],
        **({"generalPractitioner": gp} if person.registered_with_usual else {}),
        "managingOrganization": {"reference": person.home.reference},
        **({"link": [{"other": {"reference": link[0]}, "type": link[1]}]} if link else {}),
    }


def _extensions(person: Person) -> list[Element]:
    """FHIR has no empty arrays, so the interpreter's need is always said, whatever it is."""
    extensions: list[Element] = [{"url": _INTERPRETER, "valueBoolean": person.interpreter}]
    if person.race:
        extensions.append(_race(person.race))
    if person.disabled:
        blind = concept(SNOMED, "397540003", "Visual impairment (disorder)")
        extensions.append({"url": _DISABILITY, "valueCodeableConcept": blind})
    return extensions


def _race(code: str) -> Element:
    name = _RACE_NAMES[code]
    category = {"system": _OMB, "code": code, "display": name}
    return {
        "url": _US_CORE_RACE,
        "extension": [{"url": "ombCategory", "valueCoding": category}, {"url": "text", "valueString": name}],
    }
