"""`derive --policy FILE --compare`: who would change, before anyone applies it, and nothing is left behind."""

import json
import shutil
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest
from oracle.histories import encounter, patient

from service import pipeline
from service.derive import Policy, compare
from service.engine import Engine
from service.opening import opened
from service.sandbox import running

from .lakes import AS_OF, RUN, SOURCE, flatten_in, pulled

SHIPPED = files("service.derive").joinpath("policy.toml").read_text("utf-8")


@pytest.fixture
def own(tmp_path):
    """The shipped policy with one text for another."""

    def write(before, after):
        path = tmp_path / "own.toml"
        assert before in SHIPPED
        path.write_text(SHIPPED.replace(before, after).replace('version = "1.0"', 'version = "own-1"'))
        return path

    return write


@pytest.fixture(scope="module")
def ran(planted, tmp_path_factory):
    """A server with the planted patients, and a lake after a run on it."""
    resources, _ = planted
    folder = tmp_path_factory.mktemp("ran") / "lake"
    with running(patients=0) as server:
        server.store.load(json.dumps(each).encode() for kind in resources.values() for each in kind)
        with opened(folder, server.url) as work:
            pipeline.run(work, as_of="2026-07-01")
        yield server.url, folder


@pytest.fixture
def derived(personalize, ran, tmp_path):
    url, lake = ran
    shutil.copytree(lake, tmp_path / "lake")
    return url


def files_in(lake):
    """What is durable; the lock and the catalog's journal are touched by every command."""
    kinds = ("raw", "facts", "profiles", "plans")
    return {path: path.stat().st_mtime_ns for kind in kinds for path in (lake / kind).rglob("*") if path.is_file()}


FOUR, FIVE = (f'ed-visits-p1y"\ncomparator = ">="\nthreshold = {number}' for number in (4, 5))


def test_who_would_change_level_and_pathway(personalize, derived, own):
    said = personalize("derive", derived, "--policy", own(FOUR, FIVE), "--compare", "--json")
    assert said.code == 0, said.err
    told = said.json
    assert (told["profiles"], told["change_level"], told["change_pathway"]) == (16, 1, 1)
    assert told["levels"] == {"intensive -> enhanced": 1}
    assert told["pathways"] == {"preferred-scheduling": {"ended": 1}}
    (change,) = told["changes"]
    assert change["patient"] == "Patient/p03-emergency"
    assert (change["level_before"], change["level_after"]) == ("intensive", "enhanced")
    assert change["pathways_ended"] == ["preferred-scheduling"] and change["pathways_added"] == []
    assert (told["before"]["version"], told["after"]["version"]) == ("1.0", "own-1")


def test_as_text(personalize, derived, own):
    lines = personalize("derive", derived, "--policy", own(FOUR, FIVE), "--compare").out.splitlines()
    assert lines[0].startswith("as of 2026-07-01T00:00:00+00:00: policy 1.0 (")
    assert lines[1:] == [
        "1 of 16 patients would change level",
        "  1 intensive -> enhanced",
        "1 would change pathway",
        "  preferred-scheduling: 0 more, 1 fewer",
        "Patient/p03-emergency  intensive -> enhanced, -preferred-scheduling",
    ]


def test_nothing_is_derived_or_kept(personalize, derived, own, tmp_path):
    before = files_in(tmp_path / "lake")
    policy = own(FOUR, FIVE)
    assert personalize("derive", derived, "--policy", policy, "--compare").code == 0
    assert files_in(tmp_path / "lake") == before
    assert personalize("plan", derived, "--json").json["plan"]["create"] == 16


def test_the_same_rules_change_nobody(personalize, derived, own):
    said = personalize("derive", derived, "--policy", own("own choice", "own choice"), "--compare", "--json").json
    assert (said["change_level"], said["change_pathway"], said["changes"]) == (0, 0, [])


def test_another_day_can_be_asked_for(personalize, derived, own):
    said = personalize(
        "derive", derived, "--policy", own(FOUR, FIVE), "--compare", "--as-of", "2024-07-01", "--json"
    ).json
    assert said["as_of"] == "2024-07-01T00:00:00+00:00" and said["change_level"] == 0


def test_without_a_policy_there_is_nothing_to_compare(personalize, derived):
    said = personalize("derive", derived, "--compare")
    assert said.code == 2 and "Name the other policy: --policy FILE" in said.err


def test_a_policy_that_does_not_fit_is_told_with_its_place(personalize, derived, own):
    said = personalize("derive", derived, "--policy", own("contact-days-p1y", "contact-weeks-p1y"), "--compare")
    assert said.code == 2
    assert "no measure is called contact-weeks-p1y" in said.err and "own.toml: level[1].any" in said.err


def test_of_some_patients_alone_what_the_source_records_of_others_counts(tmp_path, own):
    """Whoever never had a preventive visit is due one only where such visits are recorded at all."""
    adult = [patient("adult", birthDate="1980-01-01"), encounter("v", "AMB", "2026-03-01T08:00:00Z", who="adult")]
    lake = pulled(tmp_path / "alone", adult)
    with Engine.open(lake.spill) as engine:
        flatten_in(lake, engine)
        for known, changes in ((frozenset(), 0), (frozenset({"preventive"}), 1)):
            manifest = json.loads((lake.raw(SOURCE, RUN) / "manifest.json").read_text())
            comparison = compare(
                lake.facts(SOURCE, RUN),
                engine=engine,
                manifest=manifest,
                as_of=AS_OF,
                zone=ZoneInfo("UTC"),
                before=Policy.load(),
                after=Policy.load(own("min_age_years = 18", "min_age_years = 90")),
                known=known,
            )
            assert len(comparison.changes) == changes
