"""A plan that changes more than its owner allows: nothing of it is sent, and the flag that would allow it is named."""

import json

import pytest
from derived_files import Derived

from service.errors import BeyondLimit, WrongUsage
from service.sandbox import running
from service.settings import Source, share_or_count


def many(count, **more):
    return [Derived(f"p{n:02}", **more) for n in range(count)]


@pytest.fixture
def crowd(world):
    """Forty patients with a level each."""
    world.patients(*(each.id for each in many(40)))
    world.written(*many(40))
    world.sandbox.requests.clear()
    return world


def some_changed(changed, of=40):
    return [*many(changed, level="intensive"), *many(of)[changed:]]


def test_a_policy_that_flips_two_levels_in_five_is_stopped_before_a_write(crowd):
    run, told = crowd.planned(*some_changed(16))
    assert told["notes"] == [
        "apply will refuse this: the plan changes 16 of 40 levels (40%), and max_level_changes is 20% unless set; "
        "--max-level-changes 16 allows it"
    ]
    with pytest.raises(BeyondLimit, match=r"16 of 40 levels \(40%\).*Nothing was written.*--max-level-changes 16"):
        crowd.applied(run)
    assert crowd.sandbox.writes == []
    assert {state for _, state in crowd.states(run)} == set()


def test_one_level_in_five_is_not(crowd):
    run, told = crowd.planned(*some_changed(8))
    assert told["notes"] == []
    assert crowd.applied(run)["written"]["Observation"] == 8


@pytest.mark.parametrize(("limit", "refused"), [(16, False), (15, True), (0.4, False), (0.39, True), (1.0, False)])
def test_the_limit_on_levels_is_a_count_or_a_share(crowd, limit, refused):
    run, _ = crowd.planned(*some_changed(16))
    crowd.limits(max_level_changes=limit)
    if refused:
        with pytest.raises(BeyondLimit):
            crowd.applied(run)
        assert crowd.sandbox.writes == []
    else:
        assert crowd.applied(run)["written"]["Observation"] == 16


def test_where_few_have_a_level_a_share_says_little(world):
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b"))
    assert world.written(Derived("a", level="intensive"), Derived("b"))[1]["written"]["Observation"] == 1


def test_a_level_that_is_lost_counts_and_one_that_is_new_does_not(crowd):
    crowd.limits(max_level_changes=0)
    crowd.patients("new")
    kept = [*many(40)[1:], Derived("new")]
    run, _ = crowd.planned(Derived("p00", level=None, level_absent="deceased"), *kept)
    with pytest.raises(BeyondLimit, match="1 of 40 levels"):
        crowd.applied(run)
    assert crowd.written(Derived("p00"), *kept)[1]["written"]["Observation"] == 1


def test_the_first_run_changes_no_level(world):
    world.limits(max_level_changes=0)
    world.patients(*(each.id for each in many(25)))
    assert world.written(*many(25))[1]["written"]["Observation"] == 25


def test_patients_written_about_are_limited_where_their_owner_says_so(world):
    world.limits(max_changes=1)
    world.patients("a", "b")
    run, _ = world.planned(Derived("a"), Derived("b"))
    with pytest.raises(BeyondLimit, match=r"about 2 patients, and max_changes is 1.*--max-changes 2.*max_changes"):
        world.applied(run)
    assert world.sandbox.writes == []
    world.limits(max_changes=2)
    assert world.applied(run)["written"]["Observation"] == 2


def test_several_limits_are_told_at_once(crowd):
    crowd.limits(max_changes=3, max_level_changes=2)
    run, _ = crowd.planned(*some_changed(16))
    with pytest.raises(BeyondLimit, match="--max-changes 16 --max-level-changes 16"):
        crowd.applied(run)


@pytest.mark.parametrize(
    ("text", "meant"), [("20%", 0.2), ("0.2", 0.2), (0.2, 0.2), (5, 5), ("5", 5), ("1.0", 1.0), (1, 1), ("100%", 1.0)]
)
def test_a_share_is_told_from_a_count(text, meant):
    found = share_or_count(text)
    assert (found, type(found)) == (meant, type(meant))
    assert Source(url="http://x.org/fhir", max_level_changes=text).max_level_changes == meant


@pytest.mark.parametrize("text", ["1.5", "-1", "many", "120%", "", True, None])
def test_what_is_neither_is_refused(text):
    with pytest.raises(ValueError, match="neither a share"):
        share_or_count(text)


def test_a_flag_that_is_neither_is_wrong_usage(personalize, sandbox):
    said = personalize("apply", sandbox.url, "--max-level-changes", "lots")
    assert said.code == WrongUsage.exit_code
    assert "neither a share" in said.err


SLIP = """
version = "2.0"
[[level]]
name = "intensive"
[[level.any]]
measure = "outpatient-visits-p1y"
comparator = ">="
threshold = 1
source = "a slip of the keyboard"
[[pathway]]
name = "proactive-outreach"
levels = ["intensive"]
"""


def test_at_the_front_door_a_bad_policy_is_stopped_and_a_flag_lets_it_through(personalize, tmp_path):
    bad = tmp_path / "bad.toml"
    bad.write_text(SLIP)
    with running(patients=40) as sandbox:
        assert personalize("run", sandbox.url, "--as-of", "2026-07-01", "--apply", "--json").code == 0
        sandbox.requests.clear()
        said = personalize("run", sandbox.url, "--as-of", "2026-07-01", "--policy", bad, "--apply")
        assert said.code == 1
        assert "max_level_changes is 20% unless set" in said.err
        assert "--max-level-changes" in said.err
        assert sandbox.writes == []
        allowed = personalize("apply", sandbox.url, "--max-level-changes", "100%", "--json")
        assert allowed.code == 0
        assert allowed.json["written"]["Observation"] == 40
        figures = json.loads(next((tmp_path / "lake" / "plans").rglob("*.ndjson")).read_text().splitlines()[0])
        assert figures["changes"] == 40
