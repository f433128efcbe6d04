"""Seeds in, many invented patients with everything in their histories out: for what must hold of all of them."""

import random
from datetime import timedelta
from functools import cache

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from oracle.histories import at, claim, encounter, of_type, patient, seen_by

from .lakes import AS_OF

CLASSES = ("AMB", "AMB", "AMB", "AMB", "VR", "EMER", "EMER", "IMP", "ACUTE", "OBSENC")
LASTING = {"IMP": (5, 30, 100, 400), "ACUTE": (5, 30, 100)}
STATUSES = ("finished",) * 17 + ("in-progress", "cancelled", "entered-in-error")
DISPOSITIONS = ("home", "home", "home", "home", "other-hcf", "aadvice", "exp", "07")
DIAGNOSES = ("I21.0", "E11.2", "C78.7", "I50", "J44.9", "B20", "K70.4", "F03", "J06.9", "Z00.0")
ICD_10 = "http://hl7.org/fhir/sid/icd-10-cm"
YEAR = timedelta(days=400)
ACCOMMODATIONS = ("accessible-visit", "interpreter")


HISTORIES = 1_000


@cache
def seeds():
    """One a history, of hypothesis's choosing. A derivation costs as much for one patient as for a thousand: they are
    gathered first, and what must hold is asked of all of them at once. An id in what fails names its seed."""
    found = []

    @settings(max_examples=HISTORIES, deadline=None, database=None, phases=[Phase.generate])
    @given(st.integers(min_value=0, max_value=2**32))
    def gathered(seed):
        found.append(seed)

    gathered()
    assert len(found) == HISTORIES
    return found


def population(name, *, records=1, finished_by=AS_OF, **more):
    """The patients `name-0-<seed>`, `name-1-<seed>` ..., who have the same histories under every name.

    `records` of each patient: the visits and claims are spread over them. `finished_by`: nothing lasts longer.
    """
    for number, seed in enumerate(seeds()):
        key = f"{name}-{number}-{seed}"
        names = [key, *(f"{key}-old{n}" for n in range(1, records))]
        yield from history(names, random.Random(seed), finished_by, **more)


def history(names, chance, finished_by, *, going_on=True):
    """One person; the first of `names` survives."""
    born = {"birthDate": f"{chance.randrange(1930, 2026)}-0{chance.randrange(1, 10)}-11"}
    died = {"deceasedDateTime": moment(chance, finished_by).isoformat()} if chance.random() < 0.05 else {}
    for name in names:
        link = {"link": [{"type": "replaced-by", "other": {"reference": f"Patient/{names[0]}"}}]}
        yield patient(name, **born, **died, **(link if name != names[0] else {}))
    prefix = names[0]
    for n in range(chance.randrange(16)):
        yield visit(f"{prefix}-e{n}", n, chance, chance.choice(names), prefix, finished_by, going_on)
    for n in range(chance.randrange(5)):
        yield bill(f"{prefix}-c{n}", chance, chance.choice(names), finished_by)


def visit(key, number, chance, who, prefix, finished_by, going_on):
    kind, status = chance.choice(CLASSES), chance.choice(STATUSES)
    begins = moment(chance, finished_by)
    ends = min(begins + timedelta(hours=chance.choice(LASTING.get(kind, (0, 1, 5)))), finished_by)
    more = {"participant": [seen_by(chance.choice("abcd"))]} if chance.random() < 0.95 else {}
    more |= at(chance.choice("xy")) if chance.random() < 0.95 else {}
    more |= {"location": [{"location": {"reference": f"Location/{chance.choice('st')}"}}]}
    more |= of_type("162673000") if chance.random() < 0.1 else {}
    more |= {"hospitalization": {"dischargeDisposition": {"coding": [{"code": chance.choice(DISPOSITIONS)}]}}}
    part = f"{prefix}-e{chance.randrange(number)}" if number and chance.random() < 0.1 else None
    goes_on = status == "in-progress" and going_on
    end = None if goes_on else ends.isoformat()
    return encounter(key, kind, begins.isoformat(), end, who=who, part_of=part, status=status, **more)


def bill(key, chance, who, finished_by):
    codes = chance.sample(DIAGNOSES, chance.randrange(3))
    diagnoses = [
        {"sequence": n, "diagnosisCodeableConcept": {"coding": [{"system": ICD_10, "code": code}]}}
        for n, code in enumerate(codes, 1)
    ]
    more = {"diagnosis": diagnoses, "patient": {"reference": f"Patient/{who}"}}
    return claim(key, moment(chance, finished_by).date().isoformat(), f"{chance.randrange(1, 9999)}.50", **more)


def moment(chance, finished_by):
    """On the hour, so that some visits begin at the same instant."""
    return finished_by - timedelta(hours=chance.randrange(1, YEAR // timedelta(hours=1)))


def demographics(chance):
    core = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
    needed = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
    return {
        "gender": chance.choice(["male", "female", "other"]),
        "address": [{"postalCode": str(chance.randrange(99999))}],
        "telecom": [{"system": "phone", "value": str(chance.randrange(10**9))}],
        "communication": [{"language": {"coding": [{"code": chance.choice(["es", "en", "vi"])}]}, "preferred": True}],
        "extension": [
            {"url": f"{core}race", "extension": [{"url": "text", "valueString": chance.choice("abc")}]},
            {"url": f"{core}ethnicity", "extension": [{"url": "text", "valueString": chance.choice("abc")}]},
            {"url": f"{core}birthsex", "valueCode": chance.choice("FM")},
            {"url": needed, "valueBoolean": chance.random() < 0.5},
        ],
    }
