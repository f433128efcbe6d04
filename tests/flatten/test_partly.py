"""A pull that follows another flattens what changed alone: its facts, and what is derived, are those of a full one."""

import json
import random
from itertools import islice

import duckdb
import httpx
import msgspec
import pytest
from derive.populations import population
from oracle.histories import RESTRICTED, claim, encounter, patient

from service.derive import carry
from service.flatten.partly import Partly

AS_WRITTEN = msgspec.json.Encoder(decimal_format="number")


@pytest.fixture
def taken(monkeypatch):
    """Of each attempt whether it took what changed alone."""
    found, real = [], Partly.into

    def into(self, facts):
        report = real(self, facts)
        found.append(report is not None)
        return report

    monkeypatch.setattr(Partly, "into", into)
    return found


class Source:
    """A server that changes, flattened night after night; each night held against a lake that knows no other."""

    def __init__(self, personalize, sandbox, root, resources):
        self.personalize, self.sandbox, self.root, self.fresh = personalize, sandbox, root, 0
        self.put(*resources)
        self.flattened("lake")

    def put(self, *resources):
        self.sandbox.store.load([AS_WRITTEN.encode(each) for each in resources])

    def delete(self, reference):
        assert httpx.delete(f"{self.sandbox.url}/{reference}").status_code in (200, 204)

    def flattened(self, lake):
        for verb in ("pull", "flatten"):
            said = self.personalize(verb, self.sandbox.url, "--lake", lake, "--json")
            assert said.code in (0, 3), said.err
        return max(path.parent for path in self.root.glob(f"{lake}/facts/*/*/facts.json"))

    def night(self, *resources):
        self.put(*resources)
        self.fresh += 1
        ours, full = self.flattened("lake"), self.flattened(f"fresh{self.fresh}")
        tables = {path.name for path in full.glob("*.parquet")}
        assert {path.name for path in ours.glob("*.parquet")} == tables
        assert [name for name in sorted(tables) if different(ours / name, full / name)] == []
        assert told(ours) == told(full)
        return ours

    def derived(self, lake):
        said = self.personalize("derive", self.sandbox.url, "--as-of", "2026-07-01", "--lake", lake, "--json")
        assert said.code in (0, 3), said.err
        return max(path.parent for path in self.root.glob(f"{lake}/profiles/*/*/profiles.json"))

    def night_and_profiles(self, *resources):
        """How many were derived anew."""
        self.night(*resources)
        ours, full = self.derived("lake"), self.derived(f"fresh{self.fresh}")
        names = ("profiles.parquet", "measures.parquet")
        assert [name for name in names if different(ours / name, full / name)] == []
        return json.loads((ours / "profiles.json").read_text())["derived_anew"]


def different(one, other):
    ways = [f"(FROM '{a}' EXCEPT ALL FROM '{b}')" for a, b in ((one, other), (other, one))]
    return duckdb.sql(" UNION ALL ".join(ways)).limit(5).fetchall()


def told(facts):
    report = json.loads((facts / "facts.json").read_text())
    del report["follows"]
    return report | {"set_aside": sorted(report["set_aside"], key=lambda each: (each["where"], each["why"]))}


NO_AMOUNT = {"total": {"value": "ten", "currency": "USD"}}
FIRST = [
    patient("a"),
    patient("b"),
    encounter("e1", "AMB", "2026-01-01T08:00:00Z", who="a"),
    encounter("e2", "AMB", "2026", who="b"),
    claim("e1", "2026-01-02", "10.00", patient={"reference": "Patient/a"}),
    claim("c2", "2026-01-02", patient={"reference": "Patient/b"}) | NO_AMOUNT,
]
VISIT = encounter("e1", "EMER", "2026-01-01T08:00:00Z", who="a")


@pytest.fixture
def source(personalize, sandbox, tmp_path):
    return lambda resources=FIRST: Source(personalize, sandbox, tmp_path, resources)


def test_nights_of_changes_give_what_full_runs_give(source, planted, taken, monkeypatch, lying):
    monkeypatch.setattr(carry, "WORTH_FOLLOWING", 1)
    chance, anew = random.Random(7), []
    resources = [each for kind in planted[0].values() for each in kind] + list(islice(population("p"), 150))
    stands, source = {(each["resourceType"], each["id"]): each for each in resources}, source(resources)
    source.derived("lake")
    for number in range(3):
        changed = [altered(stands[key], chance) for key in chance.sample(sorted(stands), 12)]
        changed += [encounter(f"n{number}", "AMB", "2026-05-01T10:00:00Z", who=f"new{number}"), patient(f"new{number}")]
        anew.append(source.night_and_profiles(*changed))
        stands |= {(each["resourceType"], each["id"]): each for each in changed}
    assert taken.count(True) >= 2
    assert sum(0 < (each or 0) < 40 for each in anew) >= 2


def altered(resource, chance):
    """As a server might show it on another day; it may be set aside by then, or not any more."""
    ways = [{"meta": RESTRICTED}, {"language": "de"}, {"active": False}]
    if resource["resourceType"] == "Encounter":
        ways += [{"period": {"start": start}} for start in ("2026-04", "2026-04-04T10:00:00Z")]
        ways += [{"participant": []}, {"status": "cancelled"}]
    if resource["resourceType"] == "Patient":
        ways += [{"birthDate": "1960"}, {"deceasedBoolean": True}]
    return resource | chance.choice(ways)


def test_the_tables_that_nothing_changed_in_are_the_same_files(source):
    found = source()
    (before,) = found.root.glob("lake/facts/*/*")
    after = found.night(VISIT)
    same = {path.stem for path in after.glob("*.parquet") if path.samefile(before / path.name)}
    assert same >= {"patients", "links", "claims", "claim_items"}
    assert not same & {"visits", "restricted", "diagnoses"}


def test_a_new_version_that_says_nothing_new_derives_nobody(source, taken, monkeypatch):
    """As each Patient's after a night of our own writes."""
    monkeypatch.setattr(carry, "WORTH_FOLLOWING", 1)
    found = source()
    found.derived("lake")
    assert found.night_and_profiles(patient("a", name=[{"text": "anybody"}])) == 0
    assert found.night_and_profiles(encounter("e1", "AMB", "2026-02-01T08:00:00Z", who="a")) == 1
    assert taken == [True, True]


@pytest.mark.parametrize(
    "change",
    [
        [VISIT],
        [VISIT | {"meta": RESTRICTED}],
        [patient("a", birthDate="1980")],
        [patient("new"), encounter("n", "AMB", "2026-01-01T08:00:00Z", who="new")],
        [claim("e1", "2026-01-02", patient={"reference": "Patient/a"}) | NO_AMOUNT],
        [encounter("x", "AMB", "2026-01-01T08:00:00Z", who="nobody")],
    ],
    ids=["a-visit", "a-label", "a-birth-date", "a-patient", "an-amount-that-is-none", "a-visit-of-nobody"],
)
def test_what_changed_alone_is_flattened(source, taken, change):
    source().night(*change)
    assert taken == [True]


@pytest.mark.parametrize(
    "change",
    [
        [claim("c2", "2026-01-02", "10.00", patient={"reference": "Patient/b"})],
        [{"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/d"}}],
        [patient("b", extension=[{"url": "http://hl7.org/fhir/StructureDefinition/patient-animal", "extension": []}])],
    ],
    ids=["what-was-set-aside-is-mended", "a-role", "a-patient-who-is-none"],
)
def test_what_may_say_something_of_others_is_not(source, taken, change):
    found = source()
    found.put(*change)
    found.flattened("lake")
    assert True not in taken


def test_a_patient_for_whom_visits_waited(source, taken):
    source([*FIRST, encounter("w", "AMB", "2026-01-01T08:00:00Z", who="late")]).night(patient("late"))
    assert taken == [False]


def test_all_of_what_lies_in_two_is_flattened(source, taken, in_two):
    """A role makes all lines be looked at again: those that a later night superseded are not among them."""
    found = source()
    found.put(VISIT)
    found.flattened("lake")
    role = {"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/d"}}
    found.night(VISIT | {"status": "cancelled"}, role)
    assert taken == [True]
    assert len([*found.root.glob("lake/raw/*/*/Encounter.superseded")]) == 2


def test_a_deletion_flattens_all(source, taken):
    found = source()
    found.delete("Encounter/e2")
    found.flattened("lake")
    assert taken == []


@pytest.mark.parametrize("lost", ["the facts", "what was replaced", "the algorithm"])
def test_without_what_it_rests_on_all_is_flattened(source, taken, monkeypatch, lost):
    found = source()
    found.put(VISIT)
    found.personalize("pull", found.sandbox.url, "--lake", "lake")
    if lost == "the algorithm":
        monkeypatch.setattr("service.flatten.carry.algorithm", lambda: "sha256:another")
    else:
        (path,) = found.root.glob("lake/facts/*/*/facts.json" if lost == "the facts" else "lake/raw/*/*/*.replaced")
        path.unlink()
    found.personalize("flatten", found.sandbox.url, "--lake", "lake")
    assert taken == []
