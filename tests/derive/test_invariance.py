"""What must change nothing: names of clinicians, records in error, the order of lines, and who the patients are."""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .lakes import planted, profiled

# A derivation takes a second or two; a few well-mixed examples say as much as many.
FEW = settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FEW
@given(seed=st.integers())
def test_the_order_of_lines_and_names_of_clinicians_change_nothing(derived, tmp_path_factory, seed):
    resources = planted()
    random.Random(seed).shuffle(resources)
    names = dict(zip("abcd", random.Random(seed).sample(range(1000), 4), strict=True))
    for participant in (who for each in resources for who in each.get("participant", [])):
        participant["individual"] = {"reference": f"Practitioner/{names[participant['individual']['reference'][-1]]}"}
    assert same(profiled(tmp_path_factory.mktemp("shuffled"), resources), derived)


@FEW
@given(seed=st.integers())
def test_records_in_error_and_repeated_lines_change_nothing(derived, tmp_path_factory, seed):
    resources, chance = planted(), random.Random(seed)
    wrong = [
        {**each, "id": f"wrong-{each['id']}", "status": "entered-in-error"}
        for each in resources
        if each["resourceType"] != "Patient" and chance.random() < 0.5
    ]
    again = chance.sample(resources, 20)
    assert same(profiled(tmp_path_factory.mktemp("wrong"), [*resources, *wrong, *again]), derived)


@FEW
@given(seed=st.integers())
def test_demographics_change_nothing(derived, tmp_path_factory, seed):
    resources, chance = planted(), random.Random(seed)
    for each in resources:
        if each["resourceType"] == "Patient":
            each |= demographics(chance)
    assert same(profiled(tmp_path_factory.mktemp("demographics"), resources), derived)


def demographics(chance):
    race = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"
    return {
        "gender": chance.choice(["male", "female", "other"]),
        "address": [{"postalCode": str(chance.randrange(99999))}],
        "telecom": [{"system": "phone", "value": str(chance.randrange(10**9))}],
        "communication": [{"language": {"coding": [{"code": chance.choice(["es", "en", "vi"])}]}, "preferred": True}],
        "extension": [{"url": race, "valueString": chance.choice("abc")}],
    }


def same(one, other):
    return one.measures == other.measures and one.profiles == other.profiles
