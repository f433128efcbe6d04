"""What payers say of claims, whose roles are whose, and diagnoses: from resources to rows."""

from datetime import datetime

import pytest
from derive.explanations import HL7, billed, explanation, response, said
from derive.lakes import flattened
from oracle.histories import RESTRICTED, claim, encounter, patient, resubmits, seen_by, usd

AT = "2026-03-01T08:00:00Z"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"


def the(table, tables):
    (row,) = tables[table]
    return row


def of_p(folder, *resources, **more):
    return flattened(folder, [patient("p"), *resources], **more)


def test_an_explanation_and_a_response_stand_in_one_table(tmp_path):
    _, tables = of_p(tmp_path, explanation("1", "c", **resubmits("b")), response("1", "d"))
    rows = {row["resource"]: row for row in tables["adjudications"]}
    assert {kind: row["claim"] for kind, row in rows.items()} == {
        "ExplanationOfBenefit": "Claim/c", "ClaimResponse": "Claim/d",
    }  # fmt: skip
    assert rows["ExplanationOfBenefit"]["prior"] == ["Claim/b"]
    assert {row["at"] for row in rows.values()} == {datetime(2026, 3, 1)}


def test_each_amount_with_its_codes_and_where_it_stands(tmp_path):
    told = explanation(
        "e", "c", total=[said("copay", "1")], header=[said("copay", "2")], items=[[said("copay", "3")], []],
        patientPaid=usd("4"), addItem=[{"adjudication": [said("deductible", "5", "EUR")]}],
    )  # fmt: skip
    _, tables = of_p(tmp_path, told)
    copay = [f"{HL7}|copay"]
    rows = {(row["level"], row["codes"][0], row["amount"], row["currency"]) for row in tables["payments"]}
    assert rows == {
        ("total", *copay, 1, "USD"), ("header", *copay, 2, "USD"), ("item", *copay, 3, "USD"),
        ("total", "|patientPaid", 4, "USD"), ("item", f"{HL7}|deductible", 5, "EUR"),
    }  # fmt: skip
    assert {row["resource"] for row in tables["payments"]} == {"ExplanationOfBenefit"}


def test_amounts_go_where_their_explanation_goes_even_when_a_response_has_its_id(tmp_path):
    bad = explanation("1", "c", total=[said("copay", "1"), said("deductible", "2000000000000")])
    report, tables = of_p(tmp_path, bad, response("1", "c", total=[said("copay", "3")]))
    assert report["set_aside"] == [{"where": "ExplanationOfBenefit/1", "why": "an amount cannot be read"}]
    assert [(row["resource"], row["amount"]) for row in tables["payments"]] == [("ClaimResponse", 3)]


EXPLANATIONS = {
    "no-patient": ({"patient": {}}, "no patient"),
    "of-a-stranger": ({"patient": {"reference": "Patient/stranger"}}, "the patient is not among those pulled"),
    "no-status": ({"status": None}, "the status is unknown"),
    "no-date": ({"billablePeriod": {}, "created": None}, "no date"),
    "wrong-date": ({"billablePeriod": {"start": "March"}}, "the date is no FHIR dateTime"),
    "words": ({"total": [said("copay", 1) | {"amount": {"value": "ten"}}]}, "an amount cannot be read"),
    "absurd": ({"item": [{"adjudication": [said("copay", 10**12)]}]}, "an amount cannot be read"),
    "dollars": ({"total": [said("copay", 1, "dollars")]}, "an amount's currency is no code of ISO 4217"),
}
CLAIMS = {
    "negative": ({"total": usd("-1")}, "the total is negative"),
    "absurd": ({"total": usd("1000000000001")}, "the total is no amount"),
    "dollars": ({"total": usd("1", "dollars")}, "the total's currency is no code of ISO 4217"),
    "lower-case": ({"total": usd("1", "usd")}, "the total's currency is no code of ISO 4217"),
    "items-in-dollars": (
        {"item": [{"sequence": 1, "net": usd("1", "dollars")}]}, "no total, and the amount of an item cannot be read",
    ),
}  # fmt: skip


def test_what_cannot_be_used_is_set_aside_with_the_reason(tmp_path):
    bad = [explanation(key) | more for key, (more, _) in EXPLANATIONS.items()]
    report, tables = of_p(tmp_path, *bad, *(claim(key, "2026-03-01") | more for key, (more, _) in CLAIMS.items()))
    expected = {(f"ExplanationOfBenefit/{key}", why) for key, (_, why) in EXPLANATIONS.items()}
    expected |= {(f"Claim/{key}", why) for key, (_, why) in CLAIMS.items()}
    assert {(each["where"], each["why"]) for each in report["set_aside"]} == expected
    assert tables["adjudications"] == tables["payments"] == []
    assert {row["id"] for row in tables["claims"] if row["doubtful"] and row["total"] is None} == set(CLAIMS)


def test_what_is_odd_about_money_is_counted(tmp_path):
    item = {"sequence": 1, "net": usd("10")}
    report, tables = of_p(
        tmp_path,
        billed("same", "p", "20", item=[item, item]),
        billed("other", "p", "21", item=[item, item]),
        billed("none", "p", "21", item=[{"sequence": 1}]),
        explanation("e", total=[said("copay", "3", None)]),
    )
    assert report["notes"]["item-nets-differ-from-the-total"] == 1
    assert report["notes"]["amount-without-currency"] == 1
    assert the("payments", tables)["currency"] is None


def test_a_sensitive_claim_hides_what_is_said_of_it_though_it_is_set_aside(tmp_path):
    _, tables = of_p(tmp_path, billed("a", "p", "-1", meta=RESTRICTED), billed("b", "p"))
    assert [row["id"] for row in tables["restricted_claims"]] == ["a"]


def test_a_hospitals_own_labels_are_sensitive(tmp_path):
    label = {"system": "http://hospital.example/labels", "code": "vip"}
    visit = encounter("e", "AMB", AT, meta={"security": [label]})
    assert not the("visits", of_p(tmp_path / "without", visit)[1])["sensitive"]
    labelled = of_p(tmp_path / "with", visit, sensitive_labels=["http://hospital.example/labels|vip"])[1]
    assert the("visits", labelled)["sensitive"]


def role(key, practitioner):
    return {"resourceType": "PractitionerRole", "id": key, "practitioner": {"reference": practitioner}}


@pytest.mark.parametrize(
    ("named", "clinician"),
    [
        ("PractitionerRole/surgeon", "Practitioner/a"),
        ("http://host.example/fhir/PractitionerRole/teacher/_history/2", "Practitioner/a"),
        ("PractitionerRole/contained", "PractitionerRole/contained"),
        ("PractitionerRole/not-pulled", "PractitionerRole/not-pulled"),
        ("Practitioner/b", "Practitioner/b"),
    ],
)
def test_a_role_is_its_practitioner_where_that_is_known(tmp_path, named, clinician):
    roles = [role("surgeon", "Practitioner/a"), role("teacher", "Practitioner/a"), role("contained", "#dr")]
    visit = encounter("e", "AMB", AT, participant=[seen_by(named)])
    report, tables = of_p(tmp_path, *roles, visit, aliases=["http://host.example/fhir"])
    assert the("visits", tables)["clinician"] == clinician
    assert report["notes"]["role-without-a-practitioner"] == 1


def coded(*codes):
    return {"coding": [{"system": ICD10, "code": code} for code in codes]}


def leads_to(condition):
    return {"reference": f"Condition/{condition}"}


def diagnosed(tables):
    keys = ("resource", "id", "encounter", "claim", "code", "condition", "referenced_only")
    return {tuple(row[key] for key in keys) for row in tables["diagnoses"]}


def test_diagnoses_of_claims(tmp_path):
    first = {"sequence": 1, "diagnosisCodeableConcept": coded("I10", "E11.9")}
    second = {"sequence": 2, "diagnosisReference": leads_to("d")}
    bad = claim("bad", None, "5", diagnosis=[first])
    _, tables = of_p(tmp_path, claim("c", "2026-03-01", "5", diagnosis=[first, second]), bad)
    assert diagnosed(tables) == {
        ("Claim", "c", None, "Claim/c", "I10", None, False),
        ("Claim", "c", None, "Claim/c", "E11.9", None, False),
        ("Claim", "c", None, "Claim/c", None, "Condition/d", True),
    }
    assert {row["at"] for row in tables["diagnoses"]} == {datetime(2026, 3, 1)}


def test_diagnoses_of_visits(tmp_path):
    visit = encounter(
        "e", "AMB", AT, reasonCode=[coded("I10")], reasonReference=[leads_to("d"), {"reference": "Procedure/x"}],
        diagnosis=[{"condition": leads_to("f")}],
    )  # fmt: skip
    _, tables = of_p(tmp_path, visit, encounter("planned", "AMB", "soon", reasonCode=[coded("I11")]))
    assert diagnosed(tables) == {
        ("Encounter", "e", "Encounter/e", None, "I10", None, False),
        ("Encounter", "e", "Encounter/e", None, None, "Condition/d", True),
        ("Encounter", "e", "Encounter/e", None, None, "Condition/f", True),
    }


def condition(key, code="I10", **more):
    content = {"subject": {"reference": "Patient/p"}, "code": coded(code), "recordedDate": "2026-02-01"}
    return {"resourceType": "Condition", "id": key, **content, **more}


def test_conditions(tmp_path):
    refuted = {"verificationStatus": {"coding": [{"code": "refuted"}]}}
    confirmed = {"verificationStatus": {"coding": [{"code": "confirmed"}]}}
    report, tables = of_p(
        tmp_path,
        condition("a", encounter={"reference": "Encounter/e"}, meta=RESTRICTED, **confirmed),
        condition("b", "E11.9", recordedDate=None, onsetDateTime="2026-01"),
        condition("refuted", **refuted),
        condition("in-error", verificationStatus="entered-in-error"),
        condition("undated", recordedDate=None),
        condition("nobodys", subject={}),
    )
    rows = {row["id"]: row for row in tables["diagnoses"]}
    assert set(rows) == {"a", "b"}
    assert (rows["a"]["encounter"], rows["a"]["sensitive"], rows["b"]["sensitive"]) == ("Encounter/e", True, False)
    assert rows["b"]["at"] == datetime(2026, 1, 1)
    assert {(each["where"], each["why"]) for each in report["set_aside"]} == {
        ("Condition/undated", "no date"), ("Condition/nobodys", "no subject"),
    }  # fmt: skip
