"""Levels, pathways and the reasons told for them, on the boundaries of each rule of the shipped policy."""

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from oracle.histories import encounter, of_type, patient, seen_by

from service.derive import Policy

from .lakes import AS_OF, profiled

OUTREACH, SCHEDULING, CLINICIAN = "proactive-outreach", "preferred-scheduling", "usual-clinician"
COORDINATION, CONCIERGE, NAVIGATION = "care-coordination", "claims-concierge", "financial-navigation"
WELL = of_type("410620009")


def days(who, code, number, **more):
    return [
        encounter(f"{who}-{code}-{n}", code, f"2026-0{1 + n // 28}-{1 + n % 28:02}T09:00:00Z", who=who, **more)
        for n in range(number)
    ]


def with_clinicians(who, clinicians):
    visits = enumerate(clinicians, 1)
    return [
        encounter(f"{who}-{n}", "AMB", f"2026-02-{n:02}T09:00:00Z", who=who, participant=[seen_by(each)])
        for n, each in visits
    ]


def at_organizations(who, organizations):
    """With a clinician each time the same."""
    visits = enumerate(organizations, 1)
    return [
        encounter(
            f"{who}-{n}", "AMB", f"2026-02-{n:02}T09:00:00Z", who=who, participant=[seen_by("a")],
            serviceProvider={"reference": f"Organization/{each}"},
        )
        for n, each in visits
    ]  # fmt: skip


def stay(who, first, last, **more):
    period = {"period": {"start": f"2026-{first}T09:00:00Z", "end": f"2026-{last}T09:00:00Z"}}
    return encounter(f"{who}-{first}", "IMP", f"2026-{first}T09:00:00Z", who=who) | period | more


def recent(who, number):
    """Weekly visits that end in June: all of them within the last 90 days when they are 12 or fewer."""
    first = datetime(2026, 6, 29) - timedelta(days=7 * (number - 1))
    days = (first + timedelta(days=7 * n) for n in range(number))
    return [encounter(f"{who}-{day:%m%d}", "VR", f"{day:%Y-%m-%d}T09:00:00Z", who=who) for day in days]


def well(who, day):
    return [encounter(f"{who}-well", "AMB", f"{day}T09:00:00Z", who=who, **WELL)]


# who: birth date, visits, level, pathways
CASES = {
    "quiet-child": ("2020-01-01", [], "standard", []),
    "one-ed": ("2020-01-01", days("one-ed", "EMER", 1), "standard", []),
    "two-ed": ("2020-01-01", days("two-ed", "EMER", 2), "enhanced", []),
    "three-ed": ("2020-01-01", days("three-ed", "EMER", 3), "enhanced", []),
    "four-ed": ("2020-01-01", days("four-ed", "EMER", 4), "intensive", [SCHEDULING, OUTREACH]),
    "one-stay": ("2020-01-01", days("one-stay", "IMP", 1), "enhanced", []),
    "two-elective-stays": ("2020-01-01", days("two-elective-stays", "IMP", 2), "enhanced", []),
    "two-acute-stays": ("2020-01-01", days("two-acute-stays", "ACUTE", 2), "intensive", [SCHEDULING, OUTREACH]),
    "one-acute-stay": ("2020-01-01", days("one-acute-stay", "ACUTE", 1), "enhanced", []),
    "nights-13": ("2020-01-01", [stay("nights-13", "03-01", "03-14")], "enhanced", []),
    "nights-14": ("2020-01-01", [stay("nights-14", "03-01", "03-15")], "intensive", [SCHEDULING, OUTREACH]),
    "back-in-30-days": (
        "2020-01-01",
        [stay("back-in-30-days", "01-05", "01-10"), stay("back-in-30-days", "02-09", "02-11")],
        "intensive",
        [SCHEDULING, OUTREACH, COORDINATION],
    ),
    "back-in-31-days": (
        "2020-01-01",
        [stay("back-in-31-days", "01-05", "01-10"), stay("back-in-31-days", "02-10", "02-11")],
        "enhanced",
        [],
    ),
    "recent-5-of-5": ("2020-01-01", recent("recent-5-of-5", 5), "standard", []),
    "recent-6-of-6": ("2020-01-01", recent("recent-6-of-6", 6), "enhanced", []),
    "days-23": ("2020-01-01", days("days-23", "AMB", 23), "standard", []),
    "days-24": ("2020-01-01", days("days-24", "AMB", 24), "enhanced", [SCHEDULING]),
    "of-age-today": ("2008-07-01", [], "standard", [OUTREACH]),
    "of-age-tomorrow": ("2008-07-02", [], "standard", []),
    "no-birth-date": (None, [], "standard", []),
    "well-18-months-ago": ("1970-05-05", well("well-18-months-ago", "2025-01-01"), "standard", []),
    "well-a-day-earlier": ("1970-05-05", well("well-a-day-earlier", "2024-12-31"), "standard", [OUTREACH]),
    "half-with-one": ("2020-01-01", with_clinicians("half-with-one", "aabc"), "standard", []),
    "less-than-half": ("2020-01-01", with_clinicians("less-than-half", "aabbc"), "standard", [CLINICIAN]),
    "too-few-visits": ("2020-01-01", with_clinicians("too-few-visits", "abc"), "standard", []),
    "fragmented": ("2020-01-01", with_clinicians("fragmented", "abcde"), "enhanced", [CLINICIAN]),
    "less-fragmented": ("2020-01-01", with_clinicians("less-fragmented", "aabc"), "standard", []),
    "organizations-2": ("2020-01-01", at_organizations("organizations-2", "xxyy"), "standard", []),
    "organizations-3": ("2020-01-01", at_organizations("organizations-3", "xxyz"), "standard", [COORDINATION]),
    "organizations-apart": ("2020-01-01", at_organizations("organizations-apart", "xy"), "standard", [COORDINATION]),
}


def person(who, born):
    return patient(who, **({"birthDate": born} if born else {}))


@pytest.fixture(scope="module")
def levelled(tmp_path_factory):
    resources = [each for who, (born, visits, *_) in CASES.items() for each in (person(who, born), *visits)]
    return profiled(tmp_path_factory.mktemp("levels"), resources)


@pytest.mark.parametrize("who", CASES)
def test_level_and_pathways(levelled, who):
    _, _, level, pathways = CASES[who]
    profile = levelled.profile(who)
    assert (profile["level"], profile["level_absent"], profile["pathways"]) == (level, None, sorted(pathways))


def test_every_rule_that_fires_is_told_once(levelled):
    assert levelled.reasons("four-ed") == {("ed-frequent", 4), ("ed-visits", 2)}
    assert levelled.reasons("two-acute-stays") == {("acute-stays", 2), ("stays", 1)}
    assert levelled.reasons("days-24") == {("contact-days", 24)}
    assert levelled.reasons("back-in-30-days") == {("readmissions-30d", 1), ("stays", 1)}
    assert levelled.reasons("fragmented") == {("fci-clinician", Decimal("0.85")), ("upc", Decimal("0.5"))}
    assert levelled.reasons("quiet-child") == set()


def test_a_reason_tells_value_and_threshold_with_their_units(levelled):
    (days_reason,) = levelled.profile("days-24")["rationale"]
    assert [days_reason[key] for key in ("value", "unit", "threshold", "threshold_unit")] == [24, "d", 24, "d"]
    (never,) = levelled.profile("of-age-today")["rationale"]
    assert [never[key] for key in ("value", "date", "threshold", "threshold_unit")] == [None, None, 18, "mo"]
    (long_ago,) = levelled.profile("well-a-day-earlier")["rationale"]
    assert long_ago["date"].isoformat() == "2024-12-31"


def test_the_report_counts_the_levels(levelled):
    expected = Counter(level for _, _, level, _ in CASES.values())
    assert levelled.report["levels"] == dict(sorted(expected.items()))


def test_a_source_that_never_says_acuity_has_all_stays_read_and_the_reason_says_so(tmp_path):
    derived = profiled(tmp_path, [patient("p", birthDate="2020-01-01"), *days("p", "IMP", 2)])
    assert derived.unknown("p", "acute-stays-p1y") == "acuity-not-recorded"
    assert derived.level("p") == "intensive"
    (reason,) = [each for each in derived.profile("p")["rationale"] if each["code"] == "acute-stays"]
    assert (reason["measure"], reason["value"], reason["threshold"]) == ("stays-p1y", 2, 2)


def test_a_source_that_records_no_preventive_visits_reaches_out_to_nobody_for_it(tmp_path):
    derived = profiled(tmp_path, [patient("p", birthDate="1970-05-05")])
    assert derived.unknown("p", "last-preventive-visit") == "not-recorded-by-source"
    assert derived.profile("p")["pathways"] == []


def test_visits_that_are_not_exposed_give_no_level(tmp_path):
    derived = profiled(tmp_path, [patient("p", birthDate="1970-05-05")], unknown=["Encounter"])
    profile = derived.profile("p")
    assert (profile["level"], profile["level_absent"], profile["pathways"]) == (None, "too-little-data", [])
    assert derived.unknown("p", "ed-visits-p1y") == "not-exposed"
    assert derived.unknown("p", "last-preventive-visit") == "not-exposed"
    assert derived.value("p", "billed-charges-p1y") == {}


def test_eighteen_months_end_on_the_day_of_the_sources_zone(tmp_path):
    """Still 30 June in New York: the visit of 31 December 2024 is not yet older than 18 months."""
    zone = "America/New_York"
    resources = [patient("p", birthDate="1970-05-05"), *well("p", "2024-12-30")]
    as_of = datetime(2026, 6, 30, 20, tzinfo=ZoneInfo(zone))
    assert profiled(tmp_path, resources, as_of=as_of, zone=zone).profile("p")["pathways"] == []


def test_a_hospitals_own_policy_decides(tmp_path):
    own = tmp_path / "policy.toml"
    own.write_text("""
        version = "hospital-1"
        [[level]]
        name = "intensive"
        [[level.any]]
        measure = "outpatient-visits-p1m"
        comparator = ">="
        threshold = 1
        source = "own"
        [[pathway]]
        name = "care-coordination"
        levels = ["intensive"]
    """)
    resources = [patient("p"), encounter("a", "AMB", "2026-06-20T09:00:00Z")]
    derived = profiled(tmp_path / "lake", resources, as_of=AS_OF, policy=Policy.load(own))
    assert derived.level("p") == "intensive"
    assert derived.profile("p")["pathways"] == ["care-coordination"]
    assert derived.reasons("p") == {("outpatient-visits", 1)}
    assert derived.report["policy_version"] == "hospital-1"
