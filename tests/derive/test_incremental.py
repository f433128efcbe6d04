"""Profiles carried over from an earlier run are those of a full derivation, and most are carried over."""

import json
import random
from copy import deepcopy
from datetime import timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle.histories import RESTRICTED, encounter, link, of_type, patient

from service.derive import Policy, derive
from service.derive.carry import Earlier
from service.engine import Engine
from service.flatten import flatten

from .lakes import AS_OF, RUN, SOURCE, profiled, pulled
from .populations import ICD_10, history, population, visit
from .test_properties import SIZE, THOUSAND

UTC = ZoneInfo("UTC")
FILES = ("profiles", "measures")
HEART_FAILURE = {"system": ICD_10, "code": "I50"}


class Nights:
    """Runs of one source, one after the other, each in a lake of its own."""

    def __init__(self, folders):
        self.folders = folders
        self.earlier = None

    def derive(self, resources, as_of=AS_OF, earlier=None):
        """What profiles.json says, and the rows of both files; `earlier` from the run before this one."""
        lake = pulled(self.folders.mktemp("night"), list(resources))
        raw, facts, out = lake.raw(SOURCE, RUN), lake.facts(SOURCE, RUN), lake.profiles(SOURCE, RUN)
        with Engine.open(lake.spill) as engine:
            flatten(raw, facts, engine=engine, source=SOURCE, zone=UTC)
            manifest = json.loads((raw / "manifest.json").read_text())
            about = {"engine": engine, "manifest": manifest, "as_of": as_of, "zone": UTC, "policy": Policy.load()}
            full = derive(facts, out.with_name("full"), **about)
            told = derive(facts, out, **about, earlier=self.earlier)
            rows = [[list(engine.rows(engine.read_parquet(at / f"{name}.parquet"))) for name in FILES]
                    for at in (out, out.with_name("full"))]  # fmt: skip
        self.earlier = Earlier(facts, out)
        assert rows[0] == rows[1]
        for key in ("levels", "profiles", "set_aside", "opted_out", "basis"):
            assert told[key] == full[key]
        return told


@THOUSAND
@given(seed=st.integers(min_value=0, max_value=2**32), days=st.integers(min_value=-20, max_value=40))
def test_changed_patients_and_moved_windows_give_what_a_full_derivation_gives(tmp_path_factory, seed, days):
    chance, nights = random.Random(seed), Nights(tmp_path_factory)
    resources = list(population(seed, SIZE))
    nights.derive(resources)
    told = nights.derive(changed(resources, chance), AS_OF + timedelta(days=days))
    assert told["derived_anew"] < SIZE


def changed(resources, chance):
    """New, changed and deleted visits and claims, new patients, merges, deaths, labels."""
    names = [each["id"] for each in resources if each["resourceType"] == "Patient"]
    for each in deepcopy(resources):
        change = chance.randrange(1000)
        if each["resourceType"] == "Patient":
            each |= {"deceasedDateTime": "2026-05-05"} if change < 10 else {}
            each |= {"link": [link(chance.choice(names), "replaced-by")]} if change > 985 else {}
        elif change < 5:
            continue
        elif each["resourceType"] == "Encounter":
            each |= {"participant": []} if change < 10 else {}
            each |= {"meta": RESTRICTED} if change > 997 else {}
        yield each
    for n in range(5):
        yield visit(f"new-{n}", 0, chance, chance.choice(names), f"new{n}", AS_OF, True)
        yield from history([f"born{n}"], chance, AS_OF)


def quiet(*more):
    """Somebody with one visit long ago, and whoever else."""
    return [patient("quiet"), encounter("q", "AMB", "2025-10-10T08:00:00Z", who="quiet"), *more]


def test_nothing_changed_and_nothing_is_derived(tmp_path_factory):
    nights = Nights(tmp_path_factory)
    assert nights.derive(quiet())["derived_anew"] is None
    assert nights.derive(quiet())["derived_anew"] == 0


def test_a_window_that_moves_over_a_visit_derives_its_patient_alone(tmp_path_factory):
    nights = Nights(tmp_path_factory)
    seen = [patient("seen"), encounter("s", "AMB", "2026-06-01T12:00:00Z", who="seen")]
    nights.derive(quiet(*seen))
    told = nights.derive(quiet(*seen), AS_OF + timedelta(days=1))
    assert told["derived_anew"] == 1


@pytest.mark.parametrize(
    "more",
    [
        encounter("c", "AMB", "2026-03-01T08:00:00Z", who="other", status="cancelled"),
        encounter("e", "EMER", "2026-03-01T08:00:00Z", who="other"),
        encounter("w", "AMB", "2026-03-01T08:00:00Z", who="other", **of_type("162673000")),
        encounter("d", "AMB", "2026-03-01T08:00:00Z", who="other", reasonCode=[{"coding": [HEART_FAILURE]}]),
    ],
    ids=["a-cancelled-visit", "an-emergency", "a-preventive-visit", "a-diagnosis"],
)
def test_the_first_record_of_its_kind_tells_of_everybody(tmp_path_factory, more):
    """What the source never showed was unknown of each patient."""
    nights = Nights(tmp_path_factory)
    nights.derive(quiet(patient("other")))
    assert nights.derive(quiet(patient("other"), more))["derived_anew"] is None
    assert nights.derive(quiet(patient("other")))["derived_anew"] is None


def test_a_merge_and_its_end_derive_both(tmp_path_factory):
    nights = Nights(tmp_path_factory)
    old = encounter("o", "AMB", "2025-10-10T08:00:00Z", who="old")
    apart = quiet(patient("old"), patient("new"), old)
    merged = quiet(patient("old", link=[link("new", "replaced-by")]), patient("new"), old)
    nights.derive(apart)
    assert nights.derive(merged)["derived_anew"] == 1
    assert nights.derive(apart)["derived_anew"] == 2


def test_another_policy_derives_everybody(tmp_path_factory, tmp_path):
    other = tmp_path / "policy.toml"
    shipped = Policy.load()
    first = profiled(tmp_path_factory.mktemp("first"), quiet(), policy=shipped)
    earlier = Earlier(first.lake.facts(SOURCE, RUN), first.lake.profiles(SOURCE, RUN))
    again = profiled(tmp_path_factory.mktemp("again"), quiet(), policy=shipped, earlier=earlier)
    text = files("service.derive").joinpath("policy.toml").read_text("utf-8")
    other.write_text(text.replace('version = "', 'version = "ours-', 1))
    changed = profiled(tmp_path_factory.mktemp("changed"), quiet(), policy=Policy.load(other), earlier=earlier)
    assert (again.report["derived_anew"], changed.report["derived_anew"]) == (0, None)
