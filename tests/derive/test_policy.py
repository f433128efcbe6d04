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
        ({"more": 'unit = "d"'}, "ed-visits-p1y is in 1, not in d", "level[0].any[0]"),
        (
            {"measure": "contact-days-p1y", "more": 'unit = "1"'},
            "contact-days-p1y is in d, not in 1",
            "level[0].any[0]",
        ),
        (
            {"measure": "billed-charges-p1y"},
            "billed-charges-p1y is in a currency such as USD, and none",
            "level[0].any[0]",
        ),
        ({"measure": "claims-p1y"}, "claims-p1y is about money or claims, which give no level", "level[0]"),
        ({"threshold": 0}, "greater than 0", "level[0].any[0].threshold"),
        ({"more": 'of = "share"'}, "Input should be 'value', 'numerator' or 'denominator'", "level[0].any[0].of"),
        ({"more": 'instead = "er-visits"'}, "no measure is called er-visits", "level[0].any[0].instead"),
        (
            {"more": 'provided = [{ measure = "er-visits", comparator = ">=", threshold = 1 }]'},
            "no measure is called er-visits",
            "level[0].any[0].provided[0].measure",
        ),
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


def rule(measure, threshold, comparator=">=", more=""):
    return f"""
        [[{{kind}}.any]]
        measure = "{measure}"
        comparator = "{comparator}"
        threshold = {threshold}
        source = "own choice"
        {more}
    """


def row(kind, name, *rules):
    return f'[[{kind}]]\nname = "{name}"\n' + "".join(each.format(kind=kind) for each in rules)


ED_4, ED_5 = rule("ed-visits-p1y", 4), rule("ed-visits-p1y", 5)
CLINICIAN = row("pathway", "usual-clinician", rule("upc-p1y", 0.5, "<"))
CONFLICTS = {
    "an enhanced rule stricter than an intensive one": (
        row("level", "intensive", ED_4) + row("level", "enhanced", rule("stays-p1y", 1), ED_5) + CLINICIAN,
        "ed-visits-p1y >= 5 can never give enhanced: ed-visits-p1y >= 4 at level[0].any[0] fires whenever it does",
        "level[1].any[1]",
    ),
    "the same rule twice": (
        row("level", "intensive", ED_4, ED_4) + CLINICIAN,
        "ed-visits-p1y >= 4 stands twice, also at level[0].any[0]",
        "level[0].any[1]",
    ),
    "two rules of one row that overlap": (
        row("level", "intensive", ED_5, ED_4) + CLINICIAN,
        "ed-visits-p1y >= 5 overlaps with ed-visits-p1y >= 4 at level[0].any[1], which fires whenever it does",
        "level[0].any[0]",
    ),
    "the same but for the age": (
        row("level", "intensive", ED_4, rule("ed-visits-p1y", 4, more="min_age_years = 65")) + CLINICIAN,
        "overlaps with",
        "level[0].any[1]",
    ),
    "shares that overlap downwards": (
        row("level", "intensive", ED_4)
        + row("pathway", "usual-clinician", rule("upc-p1y", 0.5, "<"), rule("upc-p1y", 0.4, "<")),
        "upc-p1y < 0.4 overlaps with upc-p1y < 0.5",
        "pathway[0].any[1]",
    ),
    "one level in two rows": (
        row("level", "intensive", ED_4) + row("level", "intensive", rule("stays-p1y", 1)) + CLINICIAN,
        "intensive stands twice",
        "level[1].name",
    ),
    "levels from the lowest up": (
        row("level", "enhanced", rule("stays-p1y", 1)) + row("level", "intensive", ED_4) + CLINICIAN,
        "levels stand from the highest down",
        "level",
    ),
}


@pytest.mark.parametrize("case", CONFLICTS)
def test_a_rule_that_can_never_matter_is_told_with_its_place(tmp_path, case):
    rows, what, place = CONFLICTS[case]
    path = tmp_path / "own.toml"
    path.write_text(f'version = "1"\n{rows}')
    with pytest.raises(WrongUsage) as refused:
        Policy.load(path)
    assert what in refused.value.what
    assert refused.value.where == f"{path}: {place}"


@pytest.mark.parametrize(
    "other",
    [
        rule("ed-visits-p1m", 5),
        rule("ed-visits-p1y", 3, more="min_age_years = 65"),
        rule("ed-visits-p1y", 3, more='provided = [{{ measure = "stays-p1y", comparator = ">=", threshold = 1 }}]'),
    ],
)
def test_rules_that_differ_may_stand_side_by_side(tmp_path, other):
    path = tmp_path / "own.toml"
    path.write_text('version = "1"\n' + row("level", "intensive", ED_4, other) + CLINICIAN)
    assert len(Policy.load(path).level[0].any) == 2


def test_a_pathway_that_nothing_gives(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('version = "1"\n' + row("level", "intensive", ED_4) + row("pathway", "interpreter"))
    with pytest.raises(WrongUsage, match="interpreter is never given"):
        Policy.load(path)


def test_the_shipped_policy_is_the_whole_table():
    policy = Policy.load()
    assert policy.version == "1.0"
    assert {row.name: len(row.any) for row in policy.level} == {"intensive": 4, "enhanced": 5}
    assert {row.name: (row.levels, len(row.any), row.recorded) for row in policy.pathway} == {
        "preferred-scheduling": (("intensive",), 1, ()),
        "proactive-outreach": (("intensive",), 1, ()),
        "usual-clinician": ((), 1, ()),
        "care-coordination": ((), 3, ()),
        "claims-concierge": ((), 2, ()),
        "financial-navigation": ((), 1, ()),
        "interpreter": ((), 0, ("interpreter", "language")),
        "accessible-visit": ((), 0, ("disability",)),
    }


def test_a_profile_bears_the_policys_version_and_hash(derived):
    policy = Policy.load()
    assert (derived.report["policy_version"], derived.report["policy_hash"]) == (policy.version, policy.hash)
    assert Policy.model_validate(derived.report["policy"]) == policy
