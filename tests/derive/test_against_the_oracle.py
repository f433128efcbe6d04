"""Two implementations written apart, one answer: Ibis over a lake against plain Python over the resources."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from oracle.histories import RESTRICTED, at, claim, encounter, link, of_type, patient, resubmits, seen_by
from oracle.synthea import answers

from service.derive.catalogue import BY_CODE

from .agreement import agreed
from .explanations import DENIED, explanation, said
from .lakes import AS_OF, OFFERED_WITH_ANY, TYPES, profiled

ALL_KINDS = (*TYPES, *OFFERED_WITH_ANY)
DOCTORS = ("Practitioner/a", "Practitioner/z", "Organization/x")
SAYS = ("copay", "deductible", "coinsurance", "memberliability", "eligible", "benefit", "paidtoprovider",
        "paidtopatient", "paidbypatient", "submitted")  # fmt: skip


def by_type(resources):
    """As a run reads them: the types that every source has, and of the others those that there are."""
    kinds = {kind: [each for each in resources if each["resourceType"] == kind] for kind in ALL_KINDS}
    return {kind: found for kind, found in kinds.items() if found or kind in TYPES}


@pytest.mark.parametrize(("seed", "zone"), [(1, "UTC"), (2, "America/New_York"), (3, "Asia/Kolkata")])
def test_invented_histories_with_everything_in_them(tmp_path, seed, zone):
    """Overlaps, chains of partOf, admissions through emergency, births, deaths, merges, resubmitted claims."""
    resources = [each for n in range(150) for each in history(f"p{n}", random.Random(f"{seed}-{n}"))]
    derived = profiled(tmp_path, resources, zone=zone)
    expected = answers(by_type(resources), "2026-07-01T00:00:00Z", zone)
    above = agreed(derived, expected, f"invented {seed} {zone}")
    assert {code for code in BY_CODE if not code.endswith("-p7d")} - {"lace-p1y", "charlson-p1y"} <= set(above)
    assert {derived.level(who.removeprefix("Patient/")) for who in derived.profiles} == {
        "standard", "enhanced", "intensive", None,
    }  # fmt: skip


def history(who, chance):
    """One person's records. Left to other tests: what a text leaves open, such as partOf in a circle."""
    records = [who, f"{who}-old"] if chance.random() < 0.1 else [who]
    born = (AS_OF - timedelta(days=chance.choice([100, 200, 9000]))).date().isoformat()
    died = {"deceasedDateTime": when(chance)} if chance.random() < 0.1 else {}
    doctor = {"generalPractitioner": [{"reference": chance.choice(DOCTORS)}]} if chance.random() < 0.3 else {}
    yield patient(who, birthDate=born, **died, **doctor)
    for old in records[1:]:
        yield patient(old, birthDate=born, active=False, link=[link(who, "replaced-by")])
    encounters = [visit(f"{who}-e{n}", chance, records, f"{who}-e", n, born) for n in range(chance.randrange(25))]
    yield from encounters
    for n in range(chance.randrange(8)):
        yield (claimed := bill(f"{who}-c{n}", chance, records, f"{who}-c", n))
        if chance.random() < 0.6:
            yield answer(f"{who}-x{n}", chance, who, claimed)


def visit(key, chance, records, prefix, n, born):
    begins = at_birth(born) if chance.random() < 0.05 else chance_moment(chance)
    kind = chance.choice(["AMB", "AMB", "AMB", "VR", "EMER", "EMER", "IMP", "IMP", "ACUTE", "OBSENC"])
    lasts = timedelta(hours=chance.choice([-1, 0, 1, 5, 30, 100]))
    ends = (begins + lasts).isoformat() if chance.random() < 0.9 else None
    part = f"{prefix}{chance.randrange(n)}" if n and chance.random() < 0.2 else None
    begun = begins.isoformat() if chance.random() < 0.95 else begins.date().isoformat()
    more = {"participant": [seen_by(chance.choice("abc"))]} if chance.random() < 0.9 else {}
    more |= (
        {"location": [{"location": {"reference": f"Location/{chance.choice('lmn')}"}}]}
        if chance.random() < 0.95
        else {}
    )
    more |= {"hospitalization": in_hospital(chance)} if kind in {"IMP", "ACUTE"} else {}
    more |= {"meta": RESTRICTED} if chance.random() < 0.02 else {}
    more |= at(chance.choice("xy")) if chance.random() < 0.9 else {}
    more |= of_type("162673000") if chance.random() < 0.05 else {}
    status = chance.choices(["finished", "in-progress", "cancelled", "entered-in-error"], [90, 3, 4, 3])[0]
    if status == "in-progress":
        ends = None
    return encounter(key, kind, begun, ends, who=chance.choice(records), part_of=part, status=status, **more)


def in_hospital(chance):
    came = {"admitSource": {"coding": [{"code": chance.choice(["emd", "gp"])}]}} if chance.random() < 0.3 else {}
    left = chance.choice(["home", "home", "home", "other-hcf", "exp", "aadvice", None])
    return came | ({"dischargeDisposition": {"coding": [{"code": left}]}} if left else {})


def answer(key, chance, who, claimed):
    """One explanation of a claim: amounts in its header, at its items, or at both; of some it says nothing."""
    system = {"currency": chance.choice(["USD", "USD", "EUR"])}
    header = [said(code, f"{chance.randrange(900)}.{chance.randrange(100):02}", **system) for code in some(chance)]
    items = [
        [said(code, f"{chance.randrange(900)}.{chance.randrange(100):02}", **system) for code in some(chance)]
        + [DENIED] * (chance.random() < 0.1)
        for _ in range(chance.randrange(3))
    ]
    status = chance.choices(["active", "cancelled"], [9, 1])[0]
    place = chance.choice(["total", "header"])
    more = {"meta": RESTRICTED} if chance.random() < 0.02 else {}
    return explanation(
        key, claimed["id"], who=who, day=claimed["created"], items=items, status=status, **{place: header}, **more
    )


def some(chance):
    return [code for code in SAYS if chance.random() < 0.25]


def bill(key, chance, records, prefix, n):
    more = resubmits(f"{prefix}{n - 1}") if n and chance.random() < 0.3 else {}
    return claim(
        key,
        chance_moment(chance).date().isoformat(),
        f"{chance.randrange(1, 100000)}.{chance.randrange(100):02}",
        currency=chance.choice(["USD", "USD", "EUR"]),
        patient={"reference": f"Patient/{chance.choice(records)}"},
        status=chance.choices(["active", "cancelled", "entered-in-error"], [85, 10, 5])[0],
        **more,
    )


def chance_moment(chance):
    return AS_OF - timedelta(minutes=chance.randrange(-20000, 600_000))


def when(chance):
    return chance_moment(chance).isoformat()


def at_birth(born):
    return datetime.fromisoformat(born).replace(hour=12, tzinfo=UTC)
