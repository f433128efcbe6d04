"""A policy that does not fit is refused, and the message leads to the place."""

import pytest

from service.derive import Policy
from service.errors import WrongUsage

RULE = """
version = "1"
[[level]]
name = "{level}"
[[level.any]]
measure = "{measure}"
comparator = "{comparator}"
threshold = {threshold}
{more}
source = "own"
[[pathway]]
name = "{pathway}"
levels = ["intensive"]
"""
FITS = {
    "level": "intensive",
    "measure": "ed-visits-p1y",
    "comparator": ">=",
    "threshold": 4,
    "more": "",
    "pathway": "proactive-outreach",
}


def policy(tmp_path, **changed):
    path = tmp_path / "own.toml"
    path.write_text(RULE.format(**FITS | changed))
    return path


def test_one_that_fits(tmp_path):
    assert Policy.load(policy(tmp_path)).version == "1"


@pytest.mark.parametrize(
    ("changed", "what", "place"),
    [
        ({"measure": "er-visits"}, "no measure is called er-visits; there are visits-p7d", "level[0].any[0].measure"),
        ({"level": "extreme"}, "Input should be 'enhanced' or 'intensive'", "level[0].name"),
        ({"pathway": "vip"}, "Input should be 'preferred-scheduling'", "pathway[0].name"),
        ({"comparator": "=>"}, "Input should be '>=', '<' or 'older-than-months'", "level[0].any[0].comparator"),
        ({"comparator": "older-than-months"}, "ed-visits-p1y compares by >= or <", "level[0].any[0]"),
        ({"measure": "last-preventive-visit"}, "compares by older-than-months, not by >=", "level[0].any[0]"),
        ({"threshold": '"many"'}, "valid decimal", "level[0].any[0].threshold"),
        ({"more": 'rationale = "because"'}, "no rationale is called because", "level[0].any[0].rationale"),
        ({"more": "minimum = 4"}, "Extra inputs are not permitted", "level[0].any[0].minimum"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(tmp_path, changed, what, place):
    path = policy(tmp_path, **changed)
    with pytest.raises(WrongUsage) as refused:
        Policy.load(path)
    assert what in refused.value.what
    assert refused.value.where == f"{path}: {place}"


def test_no_toml(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text("version = ")
    with pytest.raises(WrongUsage, match="the policy is no TOML"):
        Policy.load(path)


def test_no_file(tmp_path):
    with pytest.raises(WrongUsage, match="the policy cannot be read"):
        Policy.load(tmp_path / "none.toml")


def test_the_hash_is_of_the_content(tmp_path):
    one = Policy.load(policy(tmp_path)).hash
    assert one == Policy.load(policy(tmp_path)).hash != Policy.load(policy(tmp_path, threshold=5)).hash


def test_the_shipped_policy_says_that_it_is_the_first_measures_only():
    assert Policy.load().version == "0.1-first-measures"
