"""From resources to level: every number behind one patient's profile, what fired, what did not, what is unknown."""

import json
from datetime import date

import pytest
from derive.lakes import RUN, SOURCE, planted, profiled
from oracle.histories import encounter, patient, seen_by

from service.derive import nearest
from service.engine import Engine
from service.errors import LakeProblem, WrongUsage
from service.lake import Lake
from service.report import explain


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return profiled(tmp_path_factory.mktemp("explain"), planted()).lake


def told(lake, who):
    facts, profiles = lake.facts(SOURCE, RUN), lake.profiles(SOURCE, RUN)
    with Engine.open(lake.spill) as engine:
        near = nearest(facts, profiles, engine, f"Patient/{who}")
        return explain(profiles, engine, who, near)


def test_the_head_and_the_rules_that_fired(lake):
    assert list(told(lake, "p03-emergency").lines())[:7] == [
        "Patient/p03-emergency as of 2026-07-01T00:00:00+00:00, policy 1.0",
        "level: intensive",
        "pathways: preferred-scheduling, proactive-outreach",
        "rules that fired: 3",
        "  ed-frequent: ed-visits-p1y 4, threshold 4",
        "  ed-visits: ed-visits-p1y 4, threshold 2",
        "  last-preventive-visit: last-preventive-visit none is recorded, threshold 18 months",
    ]


def test_a_family_stands_on_one_line_under_its_dimension(lake):
    lines = list(told(lake, "p03-emergency").lines())
    emergency = lines.index("  Emergency visits [ed-visits]: 4 in the year, 1 in the month, 1 in the week")
    assert lines[emergency - 1] == "outcomes:"
    dimensions = [line for line in lines if line.endswith(":") and " " not in line]
    assert dimensions == [
        "outcomes:", "participation:", "comprehensiveness:", "proactivity:", "affordability:", "stress:", "unknown:",
    ]  # fmt: skip
    assert "  Days with healthcare [contact-days]: 4 days in the year, 1 day in the month" in lines


def test_it_fits_a_screen(lake):
    for who in ("p02-preventive", "p03-emergency", "p04-admitted", "p10-money", "p13-fragmented"):
        assert len(list(told(lake, who).lines())) <= 55


def test_a_ratio_shows_what_it_is_made_of(lake):
    lines = list(told(lake, "p02-preventive").lines())
    assert "  Usual provider of care [upc]: 0.75 = 3/4 (4 of 4 records) in the year" in lines
    assert "  Usual clinician [usual-clinician]: Practitioner/dr-a, 0.75 = 3/4 (4 of 4 records) in the year" in lines
    assert "  Last preventive visit [last-preventive-visit]: 2026-02-01" in lines
    assert "rules that fired: none" in lines


def test_what_is_unknown_says_why(lake):
    lines = list(told(lake, "p11-gaps").lines())
    (line,) = [line for line in lines if line.startswith("  fewer than 80 % of the visits name a clinician")]
    assert {"upc", "coc", "secon"} <= set(line.partition(": ")[2].split(", "))
    assert "  so usual-clinician could not be judged by upc-p1y" in lines


def test_a_rule_whose_measure_the_server_does_not_expose_is_said_not_to_be_judged(tmp_path):
    lake = profiled(tmp_path, [patient("p")], unknown=["Claim"]).lake
    lines = list(told(lake, "p").lines())
    assert "  so claims-concierge could not be judged by claims-p1y" in lines


def test_unknown_liability_gives_no_pathway_and_says_so(lake):
    assert "  so financial-navigation could not be judged by patient-liability-p1y" in list(
        told(lake, "p01-quiet").lines()
    )


def test_money_names_its_currency(lake):
    lines = list(told(lake, "p10-money").lines())
    (line,) = [line for line in lines if "[billed-charges]" in line]
    assert "50 EUR (4 of 4 records) in the year, 323.6 USD (4 of 4 records) in the year" in line


def test_evidence_is_listed_to_ten_and_whole_in_json(tmp_path):
    visits = [encounter(f"v{n:02}", "AMB", f"2026-02-{n:02}T09:00:00Z") for n in range(1, 13)]
    explained = told(profiled(tmp_path, [patient("p"), *visits]).lake, "p")
    first_ten = ", ".join(f"Encounter/v{n:02}" for n in range(1, 11))
    assert list(explained.lines())[-2:] == ["evidence: 12 resources", f"  {first_ten}, and 2 more (--json)"]
    assert len(explained.evidence) == 12


def test_no_level_says_why_and_nothing_is_near(lake):
    lines = list(told(lake, "p08-deceased").lines())
    assert "level: none (deceased)" in lines
    assert not any("would" in line for line in lines)


@pytest.fixture(scope="module")
def near(tmp_path_factory):
    """What is near for a few people of one source, whose visits are so many in number on so many days."""
    own = ["three", "two-stays", "merged", "old"]
    resources = [patient(who, birthDate="1970-01-01") for who in own if who != "merged"]
    resources.append(patient("merged", link=[{"type": "replaces", "other": {"reference": "Patient/older"}}]))
    resources.append(patient("older"))
    ed = {
        "three": ["2026-05-03T20:00:00Z", "2026-05-20T10:00:00Z", "2026-06-02T10:00:00Z"],
        "merged": ["2026-06-02T10:00:00Z"],
        "older": ["2025-12-24T10:00:00Z"],
    }
    resources += [
        encounter(f"{who}-{n}", "EMER", start, who=who) for who, starts in ed.items() for n, start in enumerate(starts)
    ]
    resources.append(encounter("stay", "ACUTE", "2026-03-01T10:00:00Z", "2026-03-04T10:00:00Z", who="two-stays"))
    well = {"type": [{"coding": [{"system": "http://snomed.info/sct", "code": "410620009"}]}]}
    resources.append(encounter("well", "AMB", "2026-01-15T10:00:00Z", who="old", **well))
    lake = profiled(tmp_path_factory.mktemp("near"), resources).lake
    return lambda who: {each.gives: each for each in told(lake, who).nearest if each.judged}


def test_one_more_emergency_visit_would_make_it_intensive_until_the_oldest_leaves_the_year(near):
    intensive = near("three")["intensive"]
    assert (intensive.measure, intensive.value, intensive.missing) == ("ed-visits-p1y", 3, 1)
    assert intensive.until == date(2027, 5, 3)
    assert intensive.line() == "one more emergency visit before 3 May 2027 would make it intensive"


def test_the_records_merged_into_one_person_count_for_the_date(near):
    intensive = near("merged")["intensive"]
    assert (intensive.value, intensive.until) == (2, date(2026, 12, 24))
    assert intensive.line() == "two more emergency visits before 24 December 2026 would make it intensive"


def test_a_second_stay_is_nearer_than_four_emergency_visits(near):
    assert near("two-stays")["intensive"].line() == (
        "one more acute hospital stay before 1 March 2027 would make it intensive"
    )


def test_a_date_that_grows_old_tells_when_the_rule_would_fire(near):
    outreach = near("old")["proactive-outreach"]
    assert outreach.since == date(2027, 7, 16)
    assert outreach.line() == "without another preventive visit, 16 July 2027 would add proactive-outreach"


def test_a_ratio_tells_the_bound_and_where_it_is(tmp_path):
    """Three visits with one clinician and one with another: a share, which no single visit settles."""
    visits = [
        encounter(f"v{n}", "AMB", f"2026-02-0{n}T09:00:00Z", participant=[seen_by(who)])
        for n, who in enumerate("aaab", 1)
    ]
    near = {each.gives: each for each in told(profiled(tmp_path, [patient("p"), *visits]).lake, "p").nearest}
    assert near["usual-clinician"].line() == "upc-p1y below 0.5 would add usual-clinician; it is 0.75"


def test_at_the_front_door(personalize, planted_sandbox):
    url = planted_sandbox.url
    for words in (("pull", url), ("flatten", url), ("derive", url, "--as-of", "2026-07-01")):
        assert personalize(*words).code == 0
    said = personalize("explain", url, "p04-admitted")
    assert "  one more acute hospital stay before 1 May 2027 would make it intensive" in said.out.splitlines()
    document = json.loads(personalize("explain", url, "Patient/p04-admitted", "--json").out)
    assert (document["level"], document["pathways"]) == ("enhanced", ["proactive-outreach"])
    assert document["evidence"] == ["Encounter/enc-011", "Encounter/enc-012", "Encounter/enc-013"]
    (stays,) = [each for each in document["measures"] if each["code"] == "inpatient-days-p1y"]
    assert (stays["value"], stays["unit"], stays["dimension"]) == (5, "d", "outcomes")
    assert document["nearest"][0]["until"] == "2027-05-01"


def test_nobody_of_that_id(lake):
    with pytest.raises(WrongUsage, match="this patient has no profile") as refused:
        told(lake, "p07-old")
    assert refused.value.where == "Patient/p07-old" and "check the id" in refused.value.do


def test_before_anything_was_derived(tmp_path):
    with pytest.raises(LakeProblem, match="personalize derive"):
        told(Lake(tmp_path), "p")
