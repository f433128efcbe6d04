"""What must hold of every history, whatever is in it: each over 1,000 invented patients, derived many at once."""

import random
from copy import deepcopy
from datetime import timedelta
from fractions import Fraction
from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from service.derive.catalogue import BY_CODE

from .lakes import AS_OF, profiled
from .populations import population

BATCHES, SIZE = 2, 500
THOUSAND = settings(
    max_examples=BATCHES,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # a smaller seed is no smaller population
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
SEED = st.integers(min_value=0, max_value=2**32)
NAMES_A_CLINICIAN = ("usual-clinician-p1y", "attachment-p1y")
COUNTS = [
    code
    for code, family in BY_CODE.items()
    if family.unit in ("1", "d") and family.absent == 0 and family.needs == "Encounter"
]


@pytest.fixture(scope="module")
def of_seed(tmp_path_factory):
    """The population of a seed, derived as it is: several properties ask for the same."""

    @cache
    def both(seed):
        resources = list(population(seed, SIZE))
        return resources, derived(tmp_path_factory, resources)

    return both


def derived(folders, resources, **more):
    return profiled(folders.mktemp("population"), list(resources), **more)


def differences(one, other, *, but=()):
    """{(patient, code): what the two say}"""
    keys = one.measures.keys() | other.measures.keys()
    pairs = {key: (one.measures.get(key), other.measures.get(key)) for key in keys if key[1] not in but}
    return {key: (a, b) for key, (a, b) in pairs.items() if a != b}


@THOUSAND
@given(seed=SEED)
def test_relabelling_clinicians_changes_nothing_but_their_names(of_seed, tmp_path_factory, seed):
    resources, before = of_seed(seed)
    names = dict(zip("abcd", random.Random(seed).sample(range(1000), 4), strict=True))
    relabelled = deepcopy(resources)
    for participant in (who for each in relabelled for who in each.get("participant", [])):
        participant["individual"] = {"reference": f"Practitioner/{names[participant['individual']['reference'][-1]]}"}
    after = derived(tmp_path_factory, relabelled)
    assert differences(before, after, but=NAMES_A_CLINICIAN) == {}
    assert before.profiles == after.profiles
    for key, (row,) in after.measures.items():
        if key[1] in NAMES_A_CLINICIAN:  # among equals the smallest name is preferred, so another may be
            assert {**row, "mode": None} == {**before.measures[key][0], "mode": None}


@THOUSAND
@given(seed=SEED)
def test_records_in_error_change_nothing(of_seed, tmp_path_factory, seed):
    (resources, before), chance = of_seed(seed), random.Random(seed)
    wrong = [
        {**each, "id": f"wrong-{each['id']}", "status": "entered-in-error"}
        for each in resources
        if each["resourceType"] != "Patient" and chance.random() < 0.5
    ]
    after = derived(tmp_path_factory, [*resources, *wrong])
    assert differences(before, after) == {} and before.profiles == after.profiles


@THOUSAND
@given(seed=SEED)
def test_merged_patients_equal_the_union_of_their_records(tmp_path_factory, seed):
    apart = list(population(seed, SIZE, records=3))
    together = [of_the_survivor(each) for each in deepcopy(apart) if "link" not in each]
    before, after = derived(tmp_path_factory, apart), derived(tmp_path_factory, together)
    assert differences(before, after) == {} and before.profiles == after.profiles


def of_the_survivor(resource):
    for element in ("subject", "patient"):
        if element in resource:
            resource[element] = {"reference": resource[element]["reference"].split("-old")[0]}
    return resource


@THOUSAND
@given(seed=SEED)
def test_pages_in_any_order_that_overlap_change_nothing(of_seed, tmp_path_factory, seed):
    (resources, before), chance = of_seed(seed), random.Random(seed)
    pages = [resources[n : n + 50] for n in range(0, len(resources), 50)]
    again = chance.sample(pages, len(pages) // 3)
    mixed = chance.sample([*pages, *again], len(pages) + len(again))
    after = derived(tmp_path_factory, (each for page in mixed for each in page))
    assert differences(before, after) == {} and before.profiles == after.profiles


@THOUSAND
@given(seed=SEED)
def test_continuity_lies_within_the_bounds_that_the_usual_provider_implies(of_seed, seed):
    _, found = of_seed(seed)
    known = [row for (_, code), (row, *_) in found.measures.items() if code == "upc-p1y" and row["value"] is not None]
    assert len(known) > SIZE // 10
    for row in known:
        most, n = row["numerator"], row["denominator"]
        who = row["patient"].removeprefix("Patient/")
        coc = found.value(who, "coc-p1y")
        assert index(most * most + (n - most), n) <= coc <= index(packed(most, n), n)
        assert found.value(who, "fci-clinician-p1y") == 1 - coc


def index(squares, n):
    return Fraction(squares - n, n * (n - 1))


def packed(most, n):
    """The sum of squares when the others are as few as they can be: full ones, and the rest."""
    return n // most * most * most + (n % most) ** 2


@THOUSAND
@given(seed=SEED, days=st.integers(min_value=1, max_value=300))
def test_a_later_as_of_raises_no_count(tmp_path_factory, seed, days):
    """With no open stay, no start between the two, and follow-up complete."""
    resources = list(population(seed, SIZE, finished_by=AS_OF - timedelta(days=31), going_on=False))
    now = derived(tmp_path_factory, resources)
    later = derived(tmp_path_factory, resources, as_of=AS_OF + timedelta(days=days))
    for code in COUNTS:
        for who in now.profiles:
            (before,), (after,) = now.measures[who, code], later.measures[who, code]
            assert before["unknown"] or after["unknown"] or after["value"] <= before["value"], (who, code)
    for who in now.profiles:
        (before,), (after,) = now.measures[who, "readmissions-30d-p1y"], later.measures[who, "readmissions-30d-p1y"]
        assert (after["numerator"] or 0) <= (before["numerator"] or 0)
        assert (after["denominator"] or 0) <= (before["denominator"] or 0)
