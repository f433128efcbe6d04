"""STU3 and R5 give the facts and profiles that R4 gives, wherever the version can say the same.

The same patients are said in each version by the sandbox, which HL7's own models of that version accept; what only one
version can say is written out here by hand.
"""

import gzip
import json
from datetime import datetime
from decimal import Decimal
from importlib import import_module

import pytest
from derive.lakes import DATA, flattened, planted, profiled
from expectations import EXPECTED, cases
from oracle.histories import patient

from service.sandbox import generate
from service.sandbox.versions import FHIR_VERSIONS, converted, said_in

VERSIONS = ("stu3", "r5")
MODELS = {"stu3": "fhir.resources.STU3", "r5": "fhir.resources"}
AT = "2026-03-01T08:00:00Z"
P = {"reference": "Patient/p"}
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ADJUDICATION = "http://hl7.org/fhir/adjudication"


@pytest.fixture(scope="module", params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture(scope="module")
def derived(version, tmp_path_factory):
    resources = [converted(version, each) for each in planted()]
    return profiled(tmp_path_factory.mktemp(version), resources, fhir_version=FHIR_VERSIONS[version])


def test_the_planted_patients_have_the_profiles_that_were_worked_out_for_them(derived):
    assert {where for where, _ in derived.set_aside} == {"Encounter/enc-032", "Encounter/enc-044"}  # as of R4
    wrong = {(who, code): derived.value(who, code) for who, code, value in cases() if derived.value(who, code) != value}
    assert wrong == {}
    living = [who for who in EXPECTED if who != "p07-old"]
    assert {who: derived.level(who) for who in living} == {who: EXPECTED[who]["level"] for who in living}
    assert {who: derived.profile(who)["pathways"] for who in living} == {
        who: sorted(EXPECTED[who]["pathways"]) for who in living
    }


def facts_of(tmp_path, version, resources):
    said = [json.loads(each, parse_float=Decimal) for each in said_in(version, resources)]
    return flattened(tmp_path / version, said, fhir_version=FHIR_VERSIONS[version])


# What the version cannot say: R5 has one word for arrived, triaged and in progress.
LOST = {"stu3": {}, "r5": {"visits": {"status"}}}


def test_invented_people_with_all_their_oddities_give_the_same_rows(tmp_path, version):
    people = list(generate(12, seed=3))
    (as_r4, there), (report, tables) = facts_of(tmp_path, "r4", people), facts_of(tmp_path, version, people)
    assert report["set_aside"] == as_r4["set_aside"]
    assert report["notes"] == as_r4["notes"]
    for name in ("patients", "links", "visits", "claims", "claim_items", "diagnoses", "adjudications"):
        lost = LOST[version].get(name, set())
        assert without(lost, tables[name]) == without(lost, there[name]), name


def without(lost, rows):
    return sorted((repr({k: v for k, v in row.items() if k not in lost}) for row in rows), key=str)


def test_what_the_sandbox_says_is_valid_in_that_version(version):
    said = said_in(version, generate(2, seed=5))
    for body in said:
        model(version, json.loads(body)["resourceType"]).model_validate_json(body)


def model(version, kind):
    return getattr(import_module(f"{MODELS[version]}.{kind.lower()}"), kind)


def visit(version, **said):
    more = {"id": "e", "subject": P, "meta": {"versionId": "1"}} | said
    return {"resourceType": "Encounter", **more}, FHIR_VERSIONS[version]


def row_of(tmp_path, resource, table, fhir_version):
    report, tables = flattened(tmp_path, [patient("p"), resource], fhir_version=fhir_version)
    assert report["set_aside"] == []
    (row,) = tables[table]
    return row


@pytest.mark.parametrize(
    ("status", "period", "expected"),
    [
        ("completed", {"start": AT}, "finished"),
        ("discharged", {"start": AT}, "finished"),
        ("in-progress", {"start": AT}, "in-progress"),
        ("on-hold", {"start": AT}, "onleave"),
        ("discontinued", {"start": AT}, "finished"),
        ("cancelled", {"start": AT}, "cancelled"),
        ("planned", None, "planned"),
    ],
)
def test_r5_statuses(tmp_path, status, period, expected):
    said = {"status": status} | ({"actualPeriod": period} if period else {})
    assert row_of(tmp_path, *_swap(visit("r5", **said)))["status"] == expected


def _swap(pair):
    resource, version = pair
    return resource, "visits", version


def test_r5_discontinued_before_it_began_is_no_visit(tmp_path):
    resource, version = visit("r5", status="discontinued")
    report, tables = flattened(tmp_path, [patient("p"), resource], fhir_version=version)
    assert tables["visits"] == [] and [each["why"] for each in report["set_aside"]] == ["no start"]


def test_of_several_r5_classes_the_known_one_counts(tmp_path):
    local = {"coding": [{"system": "urn:local", "code": "X9"}]}
    known = {"coding": [{"system": "urn:local", "code": "notfall"}, {"system": ACT, "code": "EMER"}]}
    said = visit("r5", status="completed", actualPeriod={"start": AT}, **{"class": [local, known]})
    row = row_of(tmp_path, *_swap(said))
    assert (row["class_code"], row["class_group"]) == ("EMER", "emergency")


def test_r5_reasons_and_diagnoses_by_code_and_by_reference(tmp_path):
    other = {"coding": [{"system": "urn:icd", "code": "B2"}]}
    code, cause = {"coding": [{"system": "urn:icd", "code": "A1"}]}, {"reference": "Condition/c"}
    said, version = visit(
        "r5", status="completed", actualPeriod={"start": AT},
        reason=[{"value": [{"concept": code}, {"reference": cause}]}],
        diagnosis=[{"condition": [{"concept": other}, {"reference": cause}]}],
    )  # fmt: skip
    _, tables = flattened(tmp_path, [patient("p"), said], fhir_version=version)
    assert tables["visits"][0]["reasons"] == ["urn:icd|A1", "urn:icd|B2"]
    named = sorted((row["code"], row["condition"]) for row in tables["diagnoses"] if row["code"])
    assert named == [("A1", None), ("B2", None)]
    assert [row["condition"] for row in tables["diagnoses"] if row["referenced_only"]] == ["Condition/c"] * 2


def test_r5_names_visits_in_the_head_of_a_claim(tmp_path):
    claim = {
        "resourceType": "Claim", "id": "c", "status": "active", "use": "claim", "patient": P, "created": "2026-03-01",
        "encounter": [{"reference": "Encounter/e"}], "total": {"value": 10, "currency": "USD"},
    }  # fmt: skip
    _, tables = flattened(tmp_path, [patient("p"), claim], fhir_version="5.0.0")
    assert tables["claims"][0]["encounters"] == ["Encounter/e"]
    assert tables["claim_items"] == []


def test_an_animal_is_no_patient(tmp_path):
    cat = patient("cat", animal={"species": {"coding": [{"code": "feline"}]}})
    report, tables = flattened(tmp_path / "3", [patient("p"), cat], fhir_version="3.0.2")
    assert [row["id"] for row in tables["patients"]] == ["p"]
    assert report["set_aside"] == [{"where": "Patient/cat", "why": "an animal"}]
    cat = patient("cat", extension=[{"url": "http://hl7.org/fhir/StructureDefinition/patient-animal"}])
    report, _ = flattened(tmp_path / "4", [patient("p"), cat])
    assert report["set_aside"] == [{"where": "Patient/cat", "why": "an animal"}]


def money(value):
    return {"value": Decimal(value), "system": "urn:iso:std:iso:4217", "code": "USD"}


def test_stu3_says_what_an_explanation_comes_to_by_elements(tmp_path):
    deductible = {"category": {"coding": [{"system": ADJUDICATION, "code": "deductible"}]}, "amount": money("5.50")}
    told = {
        "resourceType": "ExplanationOfBenefit", "id": "b", "status": "active", "patient": P, "created": "2026-03-01",
        "outcome": {"coding": [{"code": "complete"}]}, "totalCost": money("100.10"), "totalBenefit": money("80"),
        "unallocDeductable": money("7.25"), "item": [{"sequence": 1, "adjudication": [deductible]}],
    }  # fmt: skip
    _, tables = flattened(tmp_path, [patient("p"), told], fhir_version="3.0.2")
    (row,) = tables["adjudications"]
    assert (row["outcome"], row["use"]) == ("complete", "claim")
    said = {(each["codes"][0].rpartition("|")[2], each["level"], each["amount"]) for each in tables["payments"]}
    assert said == {
        ("submitted", "total", Decimal("100.10")), ("benefit", "total", 80),
        ("deductible", "item", Decimal("5.50")), ("deductible", "item", Decimal("7.25")),
    }  # fmt: skip
    assert {each["currency"] for each in tables["payments"]} == {"USD"}


@pytest.mark.parametrize(
    ("said", "use"), [("complete", "claim"), ("proposed", "preauthorization"), ("exploratory", "predetermination")]
)
def test_stu3_uses(tmp_path, said, use):
    claim = {"resourceType": "Claim", "id": "c", "status": "active", "use": said, "patient": P, "created": "2026-03-01"}
    assert row_of(tmp_path, claim, "claims", "3.0.2")["use"] == use


def test_stu3_conditions_have_a_context_and_an_asserted_date(tmp_path):
    told = {
        "resourceType": "Condition", "id": "c", "subject": P, "verificationStatus": "confirmed",
        "context": {"reference": "Encounter/e"}, "assertedDate": AT, "code": {"coding": [{"code": "A1"}]},
    }  # fmt: skip
    row = row_of(tmp_path, told, "diagnoses", "3.0.2")
    assert (row["encounter"], row["at"]) == ("Encounter/e", datetime(2026, 3, 1, 8))
    refuted = told | {"verificationStatus": "refuted"}
    assert flattened(tmp_path / "r", [patient("p"), refuted], fhir_version="3.0.2")[1]["diagnoses"] == []


# Synthea does not give the same ids in both versions; in STU3 it says neither when a claim was made nor how it ended.
OTHERWISE = {
    "id",
    "version",
    "clinician",
    "organization",
    "encounters",
    "claim",
    "site",
    "part_of",
    "created",
    "outcome",
}


def test_synthea_writes_the_same_patients_in_stu3_and_they_give_the_same_rows(tmp_path):
    """A writer of STU3 that is none of ours."""
    said = list(synthea("stu3"))
    people = {f"Patient/{each['id']}" for each in said if each["resourceType"] == "Patient"}
    (new, there) = flattened(tmp_path / "r4", [each for each in synthea("r4") if about(each) in people])
    (report, tables) = flattened(tmp_path / "stu3", said, fhir_version="3.0.1")
    assert report["set_aside"] == new["set_aside"] == []
    for name in ("patients", "visits", "claims", "claim_items", "adjudications", "payments"):
        assert without(OTHERWISE, tables[name]) == without(OTHERWISE, there[name]), name
    assert len(tables["visits"]) > 50 and {"emergency", "inpatient"} < {row["class_group"] for row in tables["visits"]}


def synthea(version):
    for kind in ("Patient", "Encounter", "Claim", "ExplanationOfBenefit"):
        with gzip.open(DATA / "synthea" / version / f"{kind}.ndjson.gz") as lines:
            yield from (json.loads(line, parse_float=Decimal) for line in lines)


def about(resource):
    if resource["resourceType"] == "Patient":
        return f"Patient/{resource['id']}"
    return resource.get("subject", resource.get("patient"))["reference"]
