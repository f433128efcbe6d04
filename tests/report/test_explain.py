"""Every number behind one patient's profile, in words."""

import pytest
from derive.lakes import RUN, SOURCE, planted, profiled

from service.engine import Engine
from service.errors import LakeProblem, WrongUsage
from service.lake import Lake
from service.report import explain


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return profiled(tmp_path_factory.mktemp("explain"), planted()).lake


def told(lake, patient):
    with Engine.open(lake.spill) as engine:
        return explain(lake.profiles(SOURCE, RUN), engine, patient)


def test_the_whole_of_it(lake):
    lines = list(told(lake, "p03-emergency").lines())
    assert lines[:9] == [
        "Patient/p03-emergency as of 2026-07-01T00:00:00+00:00, policy 0.1-first-measures",
        "level: intensive",
        "pathways: preferred-scheduling, proactive-outreach",
        "rules that fired: 3",
        "  ed-frequent: ed-visits-p1y 4, threshold 4",
        "  ed-visits: ed-visits-p1y 4, threshold 2",
        "  last-preventive-visit: last-preventive-visit none is recorded, threshold 18 months",
        "measures:",
        "  Billed charges, the last month [billed-charges-p1m]: 0",
    ]
    assert "  Days with healthcare, the last year [contact-days-p1y]: 4 days" in lines
    assert "  Emergency visits, the last year [ed-visits-p1y]: 4" in lines
    assert "  Last preventive visit, all records [last-preventive-visit]: unknown: none is recorded" in lines
    assert lines[-5:] == ["evidence: 4 resources", *(f"  Encounter/enc-0{n:02}" for n in range(7, 11))]


def test_a_ratio_shows_what_it_is_made_of(lake):
    lines = list(told(lake, "Patient/p02-preventive").lines())
    assert "  Usual provider of care, the last year [upc-p1y]: 0.75 = 3/4 (from 4 of 4 records)" in lines
    assert "  Last preventive visit, all records [last-preventive-visit]: 2026-02-01" in lines
    assert "rules that fired: none" in lines


def test_what_is_unknown_says_why(lake):
    lines = list(told(lake, "p11-gaps").lines())
    unknown = "unknown: fewer than 80 % of the visits name a clinician (from 2 of 4 records)"
    assert f"  Continuity of care, the last year [coc-p1y]: {unknown}" in lines


def test_money_names_its_currency(lake):
    lines = list(told(lake, "p10-money").lines())
    assert "  Billed charges, the last year [billed-charges-p1y]: 50 EUR (from 4 of 4 records)" in lines
    assert "  Billed charges, the last year [billed-charges-p1y]: 323.6 USD (from 4 of 4 records)" in lines


def test_no_level_says_why(lake):
    assert "level: none (deceased)" in list(told(lake, "p08-deceased").lines())


def test_nobody_of_that_id(lake):
    with pytest.raises(WrongUsage, match="this patient has no profile") as refused:
        told(lake, "p07-old")
    assert refused.value.where == "Patient/p07-old" and "check the id" in refused.value.do


def test_before_anything_was_derived(tmp_path):
    with pytest.raises(LakeProblem, match="personalize derive"):
        told(Lake(tmp_path), "p")
