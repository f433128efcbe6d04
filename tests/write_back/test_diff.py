"""A plan as a person reads it: before and after of each patient, in words, on a terminal of 80 columns."""

import json

import pytest
from derived_files import Derived, count, unknown

from service.write_back import Diff


def shown(world, run):
    return "\n".join(Diff(world.lake, run, world.catalog).lines()).strip().split("\n")


def measured(visits, charges="120.50"):
    return [
        count("ed-visits-p1y", visits),
        count("stays-p1y", 0),
        count("billed-charges-p1y", charges, "USD"),
        unknown("upc-p1y", "too-few"),
    ]


def test_what_is_new(world):
    world.patients("a")
    run, _ = world.planned(Derived("a", level="enhanced", pathways=["proactive-outreach"], measures=measured(2)))
    assert shown(world, run) == [
        "Patient/a  create",
        "  level       none -> enhanced",
        "  pathways    + proactive-outreach",
        "  measures",
        "    Billed charges, last year                                          120.5 USD",
        "    Emergency visits, last year                                                2",
        "              and 1 that are 0, 1 that are unknown",
        "  on Patient  new: enhanced, proactive-outreach",
    ]


def test_what_changes(world):
    world.patients("a")
    world.written(Derived("a", pathways=["care-coordination", "usual-clinician"], measures=measured(1)))
    changed = [*measured(2, "99.00")[:3], count("upc-p1y", "0.75")]
    run, _ = world.planned(
        Derived("a", level="enhanced", pathways=["care-coordination", "proactive-outreach"], measures=changed)
    )
    told = shown(world, run)
    assert [line for line in told if "status" not in line] == [
        "Patient/a  update",
        "  level       standard -> enhanced",
        "  pathways    + proactive-outreach, - usual-clinician (care-coordination stays)",
        "  measures",
        "    Billed charges, last year                                120.5 USD -> 99 USD",
        "    Emergency visits, last year                                           1 -> 2",
        "    Usual provider of care, last year           unknown (too few visits) -> 0.75",
        "  on Patient  standard -> enhanced; + proactive-outreach, - usual-clinician",
        "              (care-coordination stays)",
    ]
    assert max(map(len, told)) <= 80


def test_what_is_renewed_is_told_by_its_date(world):
    import datetime as dt

    from derived_files import AS_OF

    world.patients("a")
    world.written(Derived("a"))
    run, _ = world.planned(Derived("a"), as_of=AS_OF + dt.timedelta(days=61))
    assert shown(world, run) == [
        "Patient/a  update",
        "  valid until 2026-09-29 -> 2026-11-29",
        "  on Patient  valid until 2026-09-29 -> 2026-11-29",
    ]


def test_what_is_removed_says_why(world):
    world.patients("a")
    world.written(Derived("a", pathways=["proactive-outreach"]))
    run, _ = world.planned(opted_out=["Patient/a"])
    assert shown(world, run) == [
        "Patient/a  remove",
        "  because     its patient opted out; Patient: taken off",
        "  level       standard -> none",
        "  pathways    - proactive-outreach",
        "  on Patient  our extension is taken off",
    ]


def test_what_is_held_says_why_and_what_is_unchanged_is_left_out(world):
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b"), rung="observation")
    panel = world.panel("Patient/a") | {"note": [{"text": "seen"}]}
    world.sandbox.store.put(json.dumps(panel, default=float).encode())
    run, _ = world.planned(Derived("a", level="enhanced"), Derived("b"), rung="observation")
    assert shown(world, run) == ["Patient/a  held", "  held        Observation: edited by hand since: left alone"]


def test_the_plan_holds_the_requests_without_their_bodies(world):
    world.patients("a")
    run, _ = world.planned(Derived("a"))
    [line] = world.lines(run)[1]
    assert [(each["method"], each["url"].split("/")[0]) for each in line["requests"]][:2] == [
        ("PUT", "Observation"),
        ("PUT", "Provenance"),
    ]
    assert line["requests"][0]["headers"] == {"If-None-Match": "*"}
    assert line["requests"][2]["url"] == "Patient/a"
    assert line["requests"][2]["headers"] == {"If-Match": 'W/"1"'}
    assert world.lake.plan(run.source, run.run).read_text().count('"component"') == 1


def test_at_the_front_door(personalize, planted_sandbox):
    url = planted_sandbox.url
    assert personalize("run", url, "--as-of", "2026-07-01", "--apply", "--json").code == 0
    told = personalize("run", url, "--as-of", "2026-03-01", "--write", "observation", "--diff")
    assert told.code == 0
    visit = {
        "resourceType": "Encounter",
        "id": "another",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"},
        "subject": {"reference": "Patient/p01-healthy"},
        "period": {"start": "2026-06-20T10:00:00Z", "end": "2026-06-20T12:00:00Z"},
    }
    patient = next(ref for ref in planted_sandbox.versions() if ref.startswith("Patient/p01"))
    planted_sandbox.store.put(visit | {"subject": {"reference": patient}})
    said = personalize("run", url, "--as-of", "2026-07-01", "--diff")
    assert said.code == 0
    assert f"{patient}  update" in said.out
    assert "Emergency visits, last 7 days" not in said.out
    assert "    Emergency visits, last month" in said.out
    blocks = said.out[said.out.index(f"{patient}  update") :]
    assert all(len(line) <= 80 for line in blocks.splitlines())
    asked = personalize("plan", url, "--diff", "--json").json["diff"]
    assert [each["patient"] for each in asked] == [patient]
    by_code = {each["code"]: (each["before"], each["after"]) for each in asked[0]["measures"]}
    assert by_code["ed-visits-p1m"] == ("0", "1")
    assert asked[0]["requests"][0]["headers"]["If-Match"] == 'W/"1"'


def test_validity_at_the_front_door_forces_a_write_only_within_30_days_of_lapsing(personalize, planted_sandbox):
    """Nothing of the patient moves between the two days: no visit, no claim, no window's edge."""
    sandbox = planted_sandbox
    for reference in list(sandbox.versions()):
        if not reference.startswith("Patient/p01"):
            sandbox.store.commit([_deletion(reference)])
    assert personalize("run", sandbox.url, "--as-of", "2031-01-01", "--apply", "--json").json["written"]
    stood = sandbox.versions()
    sandbox.requests.clear()
    early = personalize("run", sandbox.url, "--as-of", "2031-03-01", "--apply", "--json").json
    assert (early["plan"]["unchanged"], early["written"]) == (1, {})
    assert (sandbox.writes, sandbox.versions()) == ([], stood)
    due = personalize("run", sandbox.url, "--as-of", "2031-03-03", "--apply", "--json").json
    assert due["written"] == {"Observation": 1}
    [panel] = [version for reference, version in sandbox.versions().items() if reference.startswith("Observation/")]
    assert panel == 2


def _deletion(reference):
    from service.sandbox.store import Write

    type, id = reference.split("/")
    return Write(type, id, None)


def test_nothing_that_became_an_amount_is_one_line(world):
    world.patients("a")
    nothing, month = count("billed-charges-p1y", 0, "XXX"), "billed-charges-p1m"
    world.written(Derived("a", measures=[nothing, count(month, "5.00", "EUR")]))
    amounts = [count("billed-charges-p1y", "99.00", "USD"), count("billed-charges-p1y", "7.00", "EUR")]
    run, planned = world.planned(Derived("a", measures=[*amounts, unknown(month, "too-few")]))
    assert [line for line in shown(world, run) if "Billed" in line or "unknown" in line] == [
        "    Billed charges, last month                 5 EUR -> unknown (too few visits)",
        "    Billed charges, last year                                         0 -> 7 EUR",
        "    Billed charges, last year                                             99 USD",
    ]
    [told] = planned["listed"]
    assert "billed-charges-p1y EUR 0 -> 7; billed-charges-p1y USD none -> 99" in told


@pytest.mark.parametrize("rung", ["flag", "document"])
def test_on_a_lower_rung_it_reads_the_same(world, rung):
    world.patients("a")
    world.written(Derived("a", measures=measured(1)), rung=rung)
    run, _ = world.planned(Derived("a", level="enhanced", measures=measured(2)), rung=rung)
    told = shown(world, run)
    assert told[:2] == ["Patient/a  update", "  level       standard -> enhanced"]
    number = "    Emergency visits, last year                                           1 -> 2"
    assert (number in told) == (rung == "document"), "a flag holds no number"
