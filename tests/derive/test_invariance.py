"""What must change nothing about the planted patients: records in error, the order of lines, and who they are."""

import json
import random
import shutil
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq

from service.derive import Policy, derive
from service.derive.catalogue import BY_CODE
from service.engine import Engine

from .lakes import AS_OF, RUN, SOURCE, planted, profiled
from .populations import ACCOMMODATIONS, demographics

SEED = 7


def test_the_order_of_lines_records_in_error_and_repeated_lines_change_nothing(derived, tmp_path_factory):
    resources, chance = planted(), random.Random(SEED)
    wrong = [
        {**each, "id": f"wrong-{each['id']}", "status": "entered-in-error"}
        for each in resources
        if each["resourceType"] != "Patient" and chance.random() < 0.5
    ]
    every = [*resources, *wrong, *chance.sample(resources, 20)]
    other = profiled(tmp_path_factory.mktemp("other"), chance.sample(every, len(every)))
    assert other.measures == derived.measures and other.profiles == derived.profiles


# All that level and pathways may know of a person: no sex, race, ethnicity, address or telecom.
ALLOWED = {
    "source", "patient", "id", "active", "birth_date", "birth_date_partial", "deceased", "deceased_at", "opted_out",
    "general_practitioner", "interpreter", "interpreter_declined", "preferred_language", "disability",
}  # fmt: skip


def test_demographics_change_nothing_but_accommodations(derived, tmp_path_factory):
    """Who the patients are is dealt out anew among them."""
    resources, chance = planted(), random.Random(SEED)
    for each in resources:
        if each["resourceType"] == "Patient":
            each |= demographics(chance)
    other = profiled(tmp_path_factory.mktemp("demographics"), resources)
    assert other.measures == derived.measures
    assert {who: decided(row) for who, row in other.profiles.items()} == {
        who: decided(row) for who, row in derived.profiles.items()
    }


def decided(profile):
    return profile | {"pathways": [each for each in profile["pathways"] if each not in ACCOMMODATIONS]}


def test_nothing_but_what_is_allowed_decides(derived, tmp_path):
    """Every other column about patients is overwritten, every table about nobody's care taken away."""
    facts = derived.lake.facts(SOURCE, RUN)
    shutil.copytree(facts, tmp_path / "facts")
    people = pq.read_table(facts / "patients.parquet")
    pq.write_table(
        people.select([name for name in people.column_names if name in ALLOWED]), tmp_path / "facts/patients.parquet"
    )
    (tmp_path / "facts/context.parquet").unlink(missing_ok=True)
    manifest = json.loads((derived.lake.raw(SOURCE, RUN) / "manifest.json").read_text())
    with Engine.open(tmp_path / "spill") as engine:
        derive(
            tmp_path / "facts", tmp_path / "profiles",
            engine=engine, manifest=manifest, as_of=AS_OF, zone=ZoneInfo("UTC"), policy=Policy.load(),
        )  # fmt: skip
        again = list(engine.rows(engine.read_parquet(tmp_path / "profiles" / "profiles.parquet")))
    assert {row["patient"]: row for row in again} == derived.profiles


def test_no_fact_about_a_person_is_one_that_must_not_decide():
    forbidden = {"gender", "sex", "race", "ethnicity", "address", "postal_code", "telecom", "name", "marital_status"}
    assert not forbidden & ALLOWED
    assert {condition.measure for row in Policy.load().rows for condition in row.any} <= set(BY_CODE)
