"""The synthetic population: always the same, valid R4, and with every shape that the pipeline has to survive."""

from __future__ import annotations

import json
import statistics
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from itertools import islice, pairwise

import pytest
from fhir.resources.R4B import get_fhir_model_class

from service.sandbox import POPULATION_AS_OF, generate

EVERY_STATUS = {
    "finished", "in-progress", "arrived", "triaged", "onleave", "planned", "cancelled", "unknown", "entered-in-error"
}  # fmt: skip


@pytest.fixture(scope="module")
def raw() -> dict[str, list[bytes]]:
    """300 patients, by resource type."""
    by_type = defaultdict(list)
    for body in generate(300, seed=1):
        by_type[json.loads(body)["resourceType"]].append(body)
    return by_type


@pytest.fixture(scope="module")
def population(raw) -> dict[str, list[dict]]:
    return {type: [json.loads(body) for body in bodies] for type, bodies in raw.items()}


@pytest.fixture(scope="module")
def encounters(population) -> dict[str, dict]:
    return {f"Encounter/{encounter['id']}": encounter for encounter in population["Encounter"]}


def _start(encounter) -> datetime:
    return datetime.fromisoformat(encounter["period"]["start"])


def _timed(encounter) -> bool:
    """Whether the start was recorded with its time."""
    return "T" in encounter["period"]["start"]


def _has(elements, *path) -> int:
    """How many have something at this path."""
    for name in path:
        elements = [one.get(name) for one in elements if isinstance(one, dict)]
        elements = [each for one in elements if one is not None for each in (one if isinstance(one, list) else [one])]
    return len(elements)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    assert list(generate(20, seed=7)) == list(generate(20, seed=7))
    assert list(generate(20, seed=7)) != list(generate(20, seed=8))


def test_fewer_patients_are_the_beginning_of_more():
    few = list(generate(10, seed=3))
    assert list(islice(generate(25, seed=3), len(few))) == few


def test_a_sample_is_valid_r4(raw):
    for type, bodies in raw.items():
        model = get_fhir_model_class(type)
        for body in bodies[:: max(1, len(bodies) // 150)]:
            model.model_validate_json(body)


def test_ids_are_unique_and_references_lead_somewhere(population):
    ids = [f"{type}/{resource['id']}" for type, resources in population.items() for resource in resources]
    assert len(ids) == len(set(ids))
    known, dangling = set(ids), Counter()

    def follow(element):
        if isinstance(element, dict):
            if isinstance(element.get("reference"), str) and element["reference"] not in known:
                dangling[element["reference"]] += 1
            element = list(element.values())
        for one in element if isinstance(element, list) else ():
            follow(one)

    follow(list(population.values()))
    assert not dangling


def test_amounts_have_two_decimals_as_text(raw):
    texts = [part.split(b",")[0] for claim in raw["Claim"] for part in claim.split(b'"total":{"value":')[1:]]
    assert len(texts) > 1000
    assert all(len(text.partition(b".")[2]) == 2 for text in texts)
    assert any(text.endswith(b"0") for text in texts)


def test_visits_have_a_heavy_tail(population):
    visits = Counter(encounter["subject"]["reference"].removesuffix("-old") for encounter in population["Encounter"])
    a_year = sorted(visits[f"Patient/pt-{n:06}"] / 3 for n in range(1, 301))
    assert 3 <= statistics.median(a_year) <= 7
    assert 8 <= statistics.mean(a_year) <= 18
    assert 2 <= sum(visits > 60 for visits in a_year) <= 25
    assert 1.2 <= len(population["Claim"]) / len(population["Encounter"]) <= 1.8


def test_charges_have_a_heavy_tail(population):
    totals = [claim["total"]["value"] for claim in population["Claim"] if "total" in claim]
    assert statistics.mean(totals) > 3 * statistics.median(totals)
    assert {claim["total"]["currency"] for claim in population["Claim"] if "total" in claim} == {"USD", "EUR", "CHF"}


def test_clinicians_and_organizations_share_patients(population):
    clinicians, organizations = defaultdict(Counter), defaultdict(set)
    for encounter in population["Encounter"]:
        patient = encounter["subject"]["reference"]
        organizations[patient].add(encounter["serviceProvider"]["reference"])
        for participant in encounter.get("participant", ()):
            clinicians[patient][participant["individual"].get("reference")] += 1
    shares = [max(seen.values()) / seen.total() for seen in clinicians.values() if seen.total() >= 8]
    assert min(shares) < 0.35
    assert max(shares) > 0.75
    assert max(map(len, organizations.values())) >= 4
    assert len(population["Organization"]) == 13
    assert len(population["Practitioner"]) == len(population["PractitionerRole"]) == 120


def test_every_status_and_class_is_there(population):
    assert {encounter["status"] for encounter in population["Encounter"]} == EVERY_STATUS
    classes = Counter(
        (each["class"]["system"].split("/")[-1], each["class"]["code"]) for each in population["Encounter"]
    )
    standard = {code for system, code in classes if system == "v3-ActCode"}
    assert standard == {"AMB", "VR", "HH", "EMER", "IMP", "ACUTE", "OBSENC"}
    assert any(system != "v3-ActCode" for system, _ in classes)


def test_nothing_happens_after_the_day_but_what_is_planned(population):
    for encounter in filter(_timed, population["Encounter"]):
        assert (_start(encounter) >= POPULATION_AS_OF) == (encounter["status"] == "planned"), encounter["id"]
    open_stays = [each for each in population["Encounter"] if each["status"] == "in-progress"]
    assert all("end" not in each["period"] for each in open_stays)
    stamps = {each["meta"]["lastUpdated"] for resources in population.values() for each in resources}
    assert max(map(datetime.fromisoformat, stamps)) < POPULATION_AS_OF


def test_stays_nest_overlap_and_begin_in_emergency(population, encounters):
    nested = [each for each in encounters.values() if "partOf" in each]
    inside = [each for each in nested if encounters[each["partOf"]["reference"]]["class"]["code"] in ("IMP", "ACUTE")]
    assert {each["class"]["code"] for each in inside} == {"ACUTE", "EMER"}
    assert _has(list(encounters.values()), "hospitalization", "admitSource") > 20
    assert _admitted_within_a_day(list(encounters.values())) > 20
    assert _overlaps([each for each in encounters.values() if "partOf" not in each]) > 3


def _admitted_within_a_day(encounters) -> int:
    stays = defaultdict(list)
    for stay in encounters:
        if stay["class"]["code"] in ("IMP", "ACUTE") and _timed(stay):
            stays[stay["subject"]["reference"], stay["serviceProvider"]["reference"]].append(_start(stay))
    return sum(
        any(
            timedelta() <= start - datetime.fromisoformat(emergency["period"]["end"]) <= timedelta(days=1)
            for start in starts
        )
        for emergency in encounters
        if emergency["class"]["code"] == "EMER" and "end" in emergency["period"]
        for starts in [stays[emergency["subject"]["reference"], emergency["serviceProvider"]["reference"]]]
    )


def _overlaps(encounters) -> int:
    stays = [each for each in encounters if each["class"]["code"] in ("IMP", "ACUTE") and "end" in each["period"]]
    stays.sort(key=lambda each: (each["subject"]["reference"], _start(each)))
    return sum(
        one["subject"] == other["subject"] and _start(other) < datetime.fromisoformat(one["period"]["end"])
        for one, other in pairwise(stays)
    )


def test_births_deaths_and_merges(population, encounters):
    patients = {f"Patient/{patient['id']}": patient for patient in population["Patient"]}
    births = [
        each for each in encounters.values()
        if each["class"]["code"] in ("IMP", "ACUTE")
        and each["period"]["start"].startswith(patients[each["subject"]["reference"]]["birthDate"])
    ]  # fmt: skip
    assert births
    dead = {name: patient for name, patient in patients.items() if "deceasedDateTime" in patient}
    assert dead
    for each in encounters.values():
        if each["subject"]["reference"] in dead and _timed(each):
            assert _start(each) < datetime.fromisoformat(dead[each["subject"]["reference"]]["deceasedDateTime"])
    merged = [patient for patient in patients.values() if not patient["active"]]
    assert merged
    for old in merged:
        assert old["link"][0]["type"] == "replaced-by"
        survivor = patients[old["link"][0]["other"]["reference"]]
        assert survivor["link"] == [{"other": {"reference": f"Patient/{old['id']}"}, "type": "replaces"}]
    subjects = {each["subject"]["reference"] for each in encounters.values()}
    assert any(f"Patient/{old['id']}" in subjects for old in merged)


def test_dates_are_partial_and_clinicians_missing_now_and_then(population):
    lengths = {len(each["period"]["start"]) for each in population["Encounter"]}
    assert {4, 7, 10} < lengths
    participants = [each.get("participant", []) for each in population["Encounter"]]
    assert [] in participants
    assert any(len(each) > 1 and each[1]["type"][0]["coding"][0]["code"] == "ATND" for each in participants)
    assert any("PractitionerRole" in p["individual"].get("reference", "") for each in participants for p in each)
    assert any("reference" not in p["individual"] for each in participants for p in each)


def test_prevention_language_and_sensitive_visits(population):
    types = Counter(each["type"][0]["coding"][0]["code"] for each in population["Encounter"])
    assert types["162673000"] > 50
    assert types["410620009"] > 5
    assert {"R", "V"} == {
        each["meta"]["security"][0]["code"] for each in population["Encounter"] if "security" in each["meta"]
    }
    languages = {each["communication"][0]["language"]["coding"][0]["code"] for each in population["Patient"]}
    assert {"en", "es", "zh"} <= languages
    needs = [each["extension"][0]["valueBoolean"] for each in population["Patient"]]
    assert {True, False} == set(needs)


def test_claims_show_every_way_to_bill(population, encounters):
    claims = population["Claim"]
    items = [item for claim in claims for item in claim["item"]]
    assert {claim["status"] for claim in claims} == {"active", "cancelled", "draft", "entered-in-error"}
    assert {claim["use"] for claim in claims} == {"claim", "preauthorization", "predetermination"}
    without_total = [claim for claim in claims if "total" not in claim]
    assert any("net" in claim["item"][0] for claim in without_total)
    assert any("net" not in claim["item"][0] and "unitPrice" in claim["item"][0] for claim in without_total)
    assert any("unitPrice" not in claim["item"][0] for claim in without_total)
    assert any("factor" in item for item in items)
    assert any("servicedDate" in item for item in items)
    assert any("billablePeriod" not in claim and "servicedDate" not in claim["item"][0] for claim in claims)
    assert all(e["reference"] in encounters for item in items for e in item.get("encounter", ()))
    assert any("encounter" not in item for item in items)
    prior = [claim["related"][0] for claim in claims if "related" in claim]
    assert prior
    assert all(related["relationship"]["coding"][0]["code"] == "prior" for related in prior)


def test_payers_explain_what_some_patients_owe(population):
    explanations = population["ExplanationOfBenefit"]
    patients = {each["patient"]["reference"] for each in explanations}
    assert 0.1 < len(patients) / 300 < 0.35
    assert _categories(_part(explanations, "item", "adjudication")) >= {
        "copay",
        "deductible",
        "coinsurance",
        "denialreason",
    }
    assert _categories(_part(explanations, "total")) >= {"submitted", "copay", "memberliability"}
    claims = {f"Claim/{claim['id']}": claim for claim in population["Claim"]}
    assert all(claims[each["claim"]["reference"]]["patient"] == each["patient"] for each in explanations)


def _part(resources, *path):
    for name in path:
        resources = [one for resource in resources for one in resource.get(name, ())]
    return resources


def _categories(adjudications) -> set[str]:
    return {each["category"]["coding"][0]["code"] for each in adjudications}
