"""What cannot be used is set aside with its place and the reason, and nothing of it stands in a fact table."""

import pytest
from derive.lakes import flattened
from oracle.histories import claim, encounter, patient, usd

AT = "2026-03-01T08:00:00Z"


def subject(**reference):
    return {"subject": reference}


# id: the resource, why
ENCOUNTERS = {
    "no-subject": (subject(), "no subject"),
    "contained": (subject(reference="#p"), "the subject is contained in the resource"),
    "urn": (subject(reference="urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"), "the subject is a urn"),
    "logical": (subject(identifier={"value": "1"}), "the subject is only a logical identifier"),
    "group": (subject(reference="Group/1"), "the subject is no Patient of this server"),
    "conditional": (subject(reference="Patient?identifier=1"), "the subject is a search, which names nobody by itself"),
    "stray": (subject(reference="Patient/stranger"), "the patient is not among those pulled"),
    "no-period": ({"period": {}}, "no start"),
    "cancelled-without-period": ({"period": {}, "status": "cancelled"}, "no start"),
    "yesterday": ({"period": {"start": "yesterday"}}, "the start is no FHIR dateTime"),
    "no-such-day": ({"period": {"start": "2026-02-30"}}, "the start is no FHIR dateTime"),
    "no-offset": ({"period": {"start": "2026-03-01T08:00:00"}}, "the start is no FHIR dateTime"),
    "infinite": ({"period": {"start": "infinity"}}, "the start is no FHIR dateTime"),
    "unknown": ({"status": "unknown"}, "the status is unknown"),
    "no-status": ({"status": None}, "the status is unknown"),
    "local-status": ({"status": "closed"}, "the status is none of Encounter's"),
}
CLAIMS = {
    "no-patient": ({"patient": {}}, "no patient"),
    "of-a-stranger": ({"patient": {"reference": "Patient/stranger"}}, "the patient is not among those pulled"),
    "no-date": ({"created": None}, "no date"),
    "wrong-date": ({"billablePeriod": {"start": "March"}}, "the date is no FHIR dateTime"),
}
# The claim stays: what it charges is unknown, which is not nothing.
DOUBTFUL = {
    "words": ({"total": {"value": "ten", "currency": "USD"}}, "the total is no amount"),
    "endless": ({"total": {"value": 1e20, "currency": "USD"}}, "the total is no amount"),
    "negative": ({"total": usd("-5")}, "the total is negative"),
    "bare": ({"total": {"value": 1}}, "the total names no currency"),
    "francs": ({"total": {"value": 1, "currency": "francs"}}, "the total's currency is no code of ISO 4217"),
    "bad-item": (
        {"item": [{"sequence": 1, "net": {"value": "ten", "currency": "USD"}}]},
        "no total, and the amount of an item cannot be read",
    ),
    "bare-item": ({"item": [{"sequence": 1, "net": {"value": 1}}]}, "no total, and an item names no currency"),
}
GOOD = {
    "planned-without-a-date": {"status": "planned", "period": {}},
    "in-error-without-a-date": {"status": "entered-in-error", "period": {}},
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    encounters = [encounter(key, "AMB", AT) | more for key, (more, _) in ENCOUNTERS.items()]
    claims = [claim(key, "2026-03-01") | more for key, (more, _) in (CLAIMS | DOUBTFUL).items()]
    good = [encounter(key, "AMB", AT) | more for key, more in GOOD.items()]
    return flattened(tmp_path_factory.mktemp("bad"), [patient("p"), *encounters, *claims, *good])


@pytest.mark.parametrize("key", ENCOUNTERS)
def test_encounter(lake, key):
    report, _ = lake
    assert {"where": f"Encounter/{key}", "why": ENCOUNTERS[key][1]} in report["set_aside"]


@pytest.mark.parametrize("key", CLAIMS | DOUBTFUL)
def test_claim(lake, key):
    report, _ = lake
    assert {"where": f"Claim/{key}", "why": (CLAIMS | DOUBTFUL)[key][1]} in report["set_aside"]


def test_nothing_else_is_set_aside_and_nothing_is_lost(lake):
    report, tables = lake
    assert len(report["set_aside"]) == len(ENCOUNTERS) + len(CLAIMS) + len(DOUBTFUL)
    assert {row["id"] for row in tables["visits"]} == set(GOOD)
    assert {row["id"]: (row["doubtful"], row["total"]) for row in tables["claims"]} == dict.fromkeys(
        DOUBTFUL, (True, None)
    )


def test_whose_the_unusable_is_stands_once_for_each_type(lake):
    _, tables = lake
    named = {(row["patient"], row["resource"]) for row in tables["unusable"]}
    assert named == {(f"Patient/{who}", kind) for who in ("p", "stranger") for kind in ("Encounter", "Claim")}
    assert len(tables["unusable"]) == len(named)


def test_an_item_that_cannot_be_read_is_told_of_where_a_total_makes_up_for_it(tmp_path):
    bad = {"item": [{"sequence": 1, "net": {"value": "ten", "currency": "USD"}}], "total": usd("5")}
    report, tables = flattened(tmp_path, [patient("p"), claim("c", "2026-03-01") | bad])
    assert report["notes"]["item-amount-unreadable"] == 1
    assert [row["total"] for row in tables["claims"]] == [5]


@pytest.mark.parametrize(
    ("line", "where", "why"),
    [
        (b'{"resourceType":"Encounter","id":"e","period":"2026"}', "Encounter/e", "period does not have the shape"),
        (
            b'{"resourceType":"Encounter","id":"e","participant":{}}',
            "Encounter/e",
            "participant does not have the shape",
        ),
        (b'{"resourceType":"Encounter","id":"e","type":[7]}', "Encounter/e", "type does not have the shape"),
        (b"[1]", "Encounter.ndjson line 2", "the line does not have the shape"),
        (b'{"resourceType":"Enc', "Encounter.ndjson line 2", "the line is no JSON"),
    ],
)
def test_a_line_of_another_shape_is_set_aside_and_the_others_stay(tmp_path, line, where, why):
    lines = [encounter("before", "AMB", AT), ("Encounter", line), encounter("after", "AMB", AT)]
    report, tables = flattened(tmp_path, [patient("p"), *lines])
    (aside,) = report["set_aside"]
    assert aside["where"] == where and aside["why"].startswith(why)
    assert [row["id"] for row in tables["visits"]] == ["before", "after"]


def test_a_boolean_in_words_sets_the_patient_aside(tmp_path):
    report, tables = flattened(tmp_path, [patient("p", active="perhaps"), patient("q")])
    assert report["set_aside"] == [{"where": "Patient/p", "why": "active does not have the shape that FHIR gives it"}]
    assert [row["patient"] for row in tables["patients"]] == ["Patient/q"]


def test_an_encounter_that_cannot_be_read_may_be_sensitive(tmp_path):
    line = b'{"resourceType":"Encounter","id":"e","period":"2026"}'
    _, tables = flattened(tmp_path, [patient("p"), ("Encounter", line)])
    assert [row["id"] for row in tables["restricted"]] == ["e"]
