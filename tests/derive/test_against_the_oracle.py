"""Two implementations written apart, one answer: Ibis over a lake against plain Python over the resources."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from oracle.histories import at, claim, encounter, link, of_type, patient, resubmits, seen_by
from oracle.synthea import answers, read

from .lakes import AS_OF, DATA, TYPES, planted, profiled


def by_type(resources):
    return {kind: [each for each in resources if each["resourceType"] == kind] for kind in TYPES}


def differences(derived, expected):
    """(patient, code, ours, the oracle's), and any patient that only one of them knows."""
    assert set(derived.profiles) == set(expected)
    for who, answer in expected.items():
        for code, theirs in answer.measures.items():
            ours = derived.value(who.removeprefix("Patient/"), code)
            if ours != theirs:
                yield who, code, ours, theirs


def test_the_planted_patients(derived):
    expected = answers(by_type(planted()), "2026-07-01T00:00:00Z", "UTC")
    assert list(differences(derived, expected)) == []


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_a_hundred_patients_of_synthea(tmp_path, zone):
    resources = read(DATA / "synthea" / "r4")
    flat = [each for kind in TYPES for each in resources[kind]]
    derived = profiled(tmp_path, flat, as_of=datetime(2020, 1, 1, tzinfo=UTC), zone=zone)
    expected = answers(resources, "2020-01-01T00:00:00Z", zone)
    assert list(differences(derived, expected)) == []
    assert any(derived.value(who.removeprefix("Patient/"), "ed-visits-p1y") for who in derived.profiles)


@pytest.mark.parametrize(("seed", "zone"), [(1, "UTC"), (2, "America/New_York"), (3, "Asia/Kolkata")])
def test_invented_histories_with_everything_in_them(tmp_path, seed, zone):
    """Overlaps, chains of partOf, admissions through emergency, births, deaths, merges, resubmitted claims."""
    resources = [each for n in range(150) for each in history(f"p{n}", random.Random(f"{seed}-{n}"))]
    derived = profiled(tmp_path, resources, zone=zone)
    expected = answers(by_type(resources), "2026-07-01T00:00:00Z", zone)
    assert list(differences(derived, expected)) == []
    assert {derived.level(who.removeprefix("Patient/")) for who in derived.profiles} == {
        "standard", "enhanced", "intensive", None,
    }  # fmt: skip


def history(who, chance):
    """One person's records. Left to other tests: what a text leaves open, such as partOf in a circle."""
    records = [who, f"{who}-old"] if chance.random() < 0.1 else [who]
    born = (AS_OF - timedelta(days=chance.choice([100, 200, 9000]))).date().isoformat()
    died = {"deceasedDateTime": when(chance)} if chance.random() < 0.1 else {}
    yield patient(who, birthDate=born, **died)
    for old in records[1:]:
        yield patient(old, birthDate=born, active=False, link=[link(who, "replaced-by")])
    encounters = [visit(f"{who}-e{n}", chance, records, f"{who}-e", n, born) for n in range(chance.randrange(25))]
    yield from encounters
    for n in range(chance.randrange(8)):
        yield bill(f"{who}-c{n}", chance, records, f"{who}-c", n)


def visit(key, chance, records, prefix, n, born):
    begins = at_birth(born) if chance.random() < 0.05 else chance_moment(chance)
    kind = chance.choice(["AMB", "AMB", "AMB", "VR", "EMER", "EMER", "IMP", "IMP", "ACUTE", "OBSENC"])
    lasts = timedelta(hours=chance.choice([-1, 0, 1, 5, 30, 100]))
    ends = (begins + lasts).isoformat() if chance.random() < 0.9 else None
    part = f"{prefix}{chance.randrange(n)}" if n and chance.random() < 0.2 else None
    more = {"participant": [seen_by(chance.choice("abc"))]} if chance.random() < 0.9 else {}
    more |= at(chance.choice("xy")) if chance.random() < 0.9 else {}
    more |= of_type("162673000") if chance.random() < 0.05 else {}
    status = chance.choices(["finished", "in-progress", "cancelled", "entered-in-error"], [90, 3, 4, 3])[0]
    if status == "in-progress":
        ends = None
    return encounter(
        key, kind, begins.isoformat(), ends, who=chance.choice(records), part_of=part, status=status, **more
    )


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
