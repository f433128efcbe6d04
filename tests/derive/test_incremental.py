"""Profiles carried over from an earlier run are those of a full derivation, and most are carried over."""

import random
from copy import deepcopy
from datetime import timedelta
from importlib.resources import files

import duckdb
import pytest
from oracle.histories import RESTRICTED, encounter, link, of_type, patient

from service.derive import Policy, carry
from service.derive.carry import Earlier
from service.engine import Engine

from .explanations import explanation, said
from .lakes import AS_OF, RUN, SOURCE, derive_in, flatten_in, pulled
from .populations import HISTORIES, ICD_10, history, population, seeds, visit

FILES = ("profiles", "measures")
HEART_FAILURE = {"system": ICD_10, "code": "I50"}
DAY = timedelta(days=1)


@pytest.fixture(autouse=True, scope="module")
def few_suffice():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(carry, "WORTH_FOLLOWING", 0)
        yield


class Night:
    """One run, in a lake of its own, after another or after none; where it carried over, held against a full one."""

    def __init__(self, folders, resources, as_of=AS_OF, after=None):
        self.lake = pulled(folders.mktemp("night"), list(resources))
        with Engine.open(self.lake.spill) as engine:
            flatten_in(self.lake, engine)
            self.told = derive_in(self.lake, engine, as_of=as_of, earlier=[after.left] if after else ())
            if self.anew is not None:
                full = derive_in(self.lake, engine, as_of=as_of, run="full")
                for key in ("levels", "profiles", "set_aside", "opted_out", "basis"):
                    assert self.told[key] == full[key]
                for name in FILES:
                    assert (
                        differences(*(self.lake.profiles(SOURCE, run) / f"{name}.parquet" for run in (RUN, "full")))
                        == []
                    )

    @property
    def left(self):
        return Earlier(self.lake.facts(SOURCE, RUN), self.lake.profiles(SOURCE, RUN))

    @property
    def anew(self):
        return self.told["derived_anew"]


def differences(one, other):
    """The rows that only one of the two files has."""
    ways = [f"(FROM '{a}' EXCEPT ALL FROM '{b}')" for a, b in ((one, other), (other, one))]
    return duckdb.sql(" UNION ALL ".join(ways)).limit(20).fetchall()


def test_changed_patients_and_moved_windows_give_what_a_full_derivation_gives(tmp_path_factory):
    """Some days on with changes, and then back again."""
    chance, resources = random.Random(seeds()[-1]), list(population("p"))
    night = Night(tmp_path_factory, resources)
    for days in (chance.randrange(1, 40), chance.randrange(-20, 1)):
        resources = list(changed(resources, chance))
        night = Night(tmp_path_factory, resources, AS_OF + timedelta(days=days), after=night)
        assert 0 < night.anew < HISTORIES


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
    for number in (chance.randrange(10**9) for _ in range(5)):
        yield visit(f"new-{number}", 0, chance, chance.choice(names), f"new{number}", AS_OF, True)
        yield from history([f"born{number}"], chance, AS_OF)


# One with a visit long ago, one with a visit that a day takes out of the month, two without any.
OLD = encounter("o", "AMB", "2025-10-10T08:00:00Z", who="old")
SEEN = encounter("s", "AMB", "2026-06-01T12:00:00Z", who="seen")
FIRST = [*map(patient, ("old", "seen", "new", "other")), OLD, SEEN]


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return Night(tmp_path_factory, FIRST)


def test_nothing_changed_and_nothing_is_derived(tmp_path_factory, first):
    assert first.anew is None
    assert Night(tmp_path_factory, FIRST, after=first).anew == 0


def test_a_window_that_moves_over_a_visit_derives_its_patient_alone(tmp_path_factory, first):
    assert Night(tmp_path_factory, FIRST, AS_OF + DAY, after=first).anew == 1


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
def test_the_first_record_of_its_kind_tells_of_everybody(tmp_path_factory, first, more):
    """What the source never showed was unknown of each patient."""
    assert Night(tmp_path_factory, [*FIRST, more], after=first).anew is None


def test_an_amount_that_a_payer_corrected_derives_its_patient(tmp_path_factory):
    """It stands in a table of its own, whose rows name no patient."""
    paid = [*FIRST, explanation("x", who="old", total=[said("submitted", "100")])]
    corrected = [*FIRST, explanation("x", who="old", total=[said("submitted", "70")])]
    first = Night(tmp_path_factory, paid)
    assert Night(tmp_path_factory, corrected, after=first).anew == 1


def test_a_merge_and_its_end_derive_both(tmp_path_factory, first):
    merged = [patient("old", link=[link("new", "replaced-by")]), *FIRST[1:]]
    after = Night(tmp_path_factory, merged, after=first)
    assert after.anew == 1
    assert Night(tmp_path_factory, FIRST, after=after).anew == 2


def test_another_policy_derives_everybody(tmp_path, first):
    text = files("service.derive").joinpath("policy.toml").read_text("utf-8")
    (tmp_path / "other.toml").write_text(text.replace('version = "', 'version = "ours-', 1))
    with Engine.open(first.lake.spill) as engine:
        other = Policy.load(tmp_path / "other.toml")
        told = derive_in(first.lake, engine, run="other", policy=other, earlier=[first.left])
    assert told["derived_anew"] is None


def test_profiles_that_were_derived_from_other_facts_are_not_followed(tmp_path_factory, first):
    """As after a `flatten` under other settings that no `derive` came after."""
    changed = pulled(
        tmp_path_factory.mktemp("changed"), [*FIRST, encounter("n", "AMB", "2026-03-01T08:00:00Z", who="new")]
    )
    with Engine.open(changed.spill) as engine:
        flatten_in(changed, engine)
        earlier = Earlier(changed.facts(SOURCE, RUN), first.lake.profiles(SOURCE, RUN))
        assert derive_in(changed, engine, earlier=[earlier])["derived_anew"] is None
