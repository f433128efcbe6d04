"""Every measure but LACE and Charlson, on four populations: the lake on disk against plain Python, value by value.

Run with -s to see how many values were compared, and how many of each code are above zero.
"""

import json
from collections import defaultdict
from datetime import datetime
from decimal import Decimal

import pytest
from oracle.synthea import answers, read

from service.derive.catalogue import BY_CODE
from service.sandbox import generate

from .agreement import agreed
from .lakes import DATA, OFFERED_WITH_ANY, TYPES, profiled

ELSEWHERE = {"lace-p1y", "charlson-p1y"}
KINDS = (*TYPES, *OFFERED_WITH_ANY)
NO_PLACES = {"sites-p1y", "fci-site-p1y", "usual-site-p1y"}  # no population names an Encounter.location


def known_to_both(resources):
    """Of the types that a run reads, those that there are."""
    return {kind: resources[kind] for kind in KINDS if resources.get(kind)}


def compared(folder, resources, as_of, zone, title):
    """The codes that are above zero for anybody."""
    resources = known_to_both(resources)
    flat = [each for of_kind in resources.values() for each in of_kind]
    derived = profiled(folder, flat, as_of=datetime.fromisoformat(as_of), zone=zone)
    expected = answers(resources, as_of, zone)
    assert all(set(answer.measures) == set(BY_CODE) - ELSEWHERE for answer in expected.values())
    return set(agreed(derived, expected, title))


def test_the_planted_patients(tmp_path):
    compared(tmp_path, read(DATA / "planted"), "2026-07-01T00:00:00+00:00", "UTC", "planted")


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize("as_of", ["2020-01-01T00:00:00+00:00", "2012-01-01T00:00:00+00:00"])
def test_a_hundred_patients_of_synthea(tmp_path, as_of, zone):
    compared(tmp_path, read(DATA / "synthea" / "r4"), as_of, zone, f"Synthea {as_of[:10]} {zone}")


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_the_population_of_the_sandbox(tmp_path, zone):
    resources = defaultdict(list)
    for line in generate(60, seed=7):
        resource = json.loads(line, parse_float=Decimal)
        resources[resource["resourceType"]].append(resource)
    above = compared(tmp_path, resources, "2026-07-01T00:00:00+00:00", zone, f"sandbox {zone}")
    seldom = {code for code in BY_CODE if code.endswith("-p7d")}
    assert set(BY_CODE) - ELSEWHERE - above - seldom <= NO_PLACES | {"patient-paid-p1y", "allowed-amount-p1y"}
