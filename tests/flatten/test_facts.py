"""From resources to rows: references, times, classes, clinicians, labels."""

from datetime import date, datetime

import pytest
from derive.lakes import SOURCE, flattened
from oracle.histories import RESTRICTED, at, claim, encounter, link, patient, seen_by

AT = "2026-03-01T08:00:00Z"
BASE = "https://host.example/fhir"


def the(table, tables):
    (row,) = tables[table]
    return row


def rows(tmp_path, *resources, zone="UTC", **more):
    return flattened(tmp_path, [patient("p"), *resources], zone=zone, **more)[1]


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/p", f"{BASE}/Patient/p", "Patient/p/_history/3", f"{BASE}/Patient/p/_history/3",
        "Patient/p|4", "http://host.example:443/a/b/Patient/p", f"{BASE.replace('https', 'http')}/Patient/p",
    ],
)  # fmt: skip
def test_one_record_has_many_references(tmp_path, reference):
    visit = encounter("e", "AMB", AT, subject={"reference": reference})
    found = rows(tmp_path, visit, aliases=[BASE, "http://host.example:443/a/b"])
    assert the("visits", found)["patient"] == "Patient/p"


ELSEWHERE = [f"{BASE}.evil/Patient/p", "https://other.example/fhir/Patient/p"]


@pytest.mark.parametrize("reference", ELSEWHERE)
def test_the_same_id_at_another_address_is_somebody_else(tmp_path, reference):
    visit = encounter("e", "AMB", AT, subject={"reference": reference})
    link = {"other": {"reference": reference}, "type": "replaced-by"}
    report, tables = flattened(tmp_path, [patient("p"), patient("q", link=[link]), visit], aliases=[BASE])
    assert tables["visits"] == tables["links"] == []
    assert {each["where"] for each in report["set_aside"]} == {"Encounter/e", "Patient/q"}
    assert all("at another address" in each["why"] and "aliases" in each["why"] for each in report["set_aside"])


def test_what_a_visit_names_elsewhere_is_unknown_and_counted(tmp_path):
    """Another hospital's Organization/1 is not ours, and its clinician is not our clinician of that id."""
    there = "https://other.example/fhir"
    visit = encounter(
        "e", "AMB", AT,
        serviceProvider={"reference": f"{there}/Organization/1"},
        partOf={"reference": f"{there}/Encounter/1"},
        participant=[{"individual": {"reference": f"{there}/Practitioner/1"}}],
    )  # fmt: skip
    report, tables = flattened(tmp_path, [patient("p"), visit], aliases=[BASE])
    row = the("visits", tables)
    assert row["organization"] is row["part_of"] is row["clinician"] is None
    assert report["notes"] == {"reference-elsewhere": 1, "practitioner-unresolved": 1}


@pytest.mark.parametrize(
    ("text", "zone", "expected", "partial"),
    [
        ("2026-03-01T08:00:00Z", "UTC", "2026-03-01T08:00:00", False),
        ("2026-03-01T08:00:00.123456+05:30", "UTC", "2026-03-01T02:30:00.123456", False),
        ("2026-03-01T08:00-04:00", "UTC", "2026-03-01T12:00:00", False),
        ("2026-03-01", "UTC", "2026-03-01T00:00:00", False),
        ("2026-03-01", "America/New_York", "2026-03-01T05:00:00", False),
        ("2026-07", "America/New_York", "2026-07-01T04:00:00", True),
        ("2026", "Asia/Kolkata", "2025-12-31T18:30:00", True),
    ],
)
def test_times_are_utc_and_partial_ones_the_start_of_their_period(tmp_path, text, zone, expected, partial):
    visit = the("visits", rows(tmp_path, encounter("e", "AMB", text), zone=zone))
    assert (visit["start"], visit["start_partial"]) == (datetime.fromisoformat(expected), partial)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (AT, "2026-03-01T09:00:00Z", "2026-03-01T09:00:00"),
        (AT, None, None),
        (AT, "2026-03-01T07:59:59Z", None),
        (AT, "2026-03-01", "2026-03-01T08:00:00"),  # the same day: not before the start
        (AT, "2026-02-28", None),
        (AT, "2026-03", "2026-03-01T08:00:00"),
        (AT, "soon", None),
    ],
)
def test_the_end(tmp_path, start, end, expected):
    visit = the("visits", rows(tmp_path, encounter("e", "IMP", start, end)))
    assert visit["end"] == (expected and datetime.fromisoformat(expected))


@pytest.mark.parametrize(
    ("coding", "group"),
    [
        ({"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "VR"}, "outpatient"),
        ({"system": "http://hl7.org/fhir/v3/ActCode", "code": "EMER"}, "emergency"),
        ({"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "NONAC"}, "inpatient"),
        ({"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OBSENC"}, "other"),
        ({"system": "http://hospital.example/class", "code": "AMB"}, "other"),
        ({"code": "AMB"}, "other"),
        (None, "other"),
    ],
)
def test_the_group_of_a_class_is_never_guessed(tmp_path, coding, group):
    report, tables = flattened(tmp_path, [patient("p"), encounter("e", "AMB", AT) | {"class": coding}])
    assert the("visits", tables)["class_group"] == group
    assert report["notes"].get("class-other", 0) == (group == "other")


@pytest.mark.parametrize(
    ("participants", "clinician"),
    [
        ([seen_by("a"), seen_by("b", "ATND"), seen_by("c", "PPRF")], "Practitioner/c"),
        ([seen_by("a"), seen_by("b", "ATND")], "Practitioner/b"),
        ([seen_by("a"), seen_by("b")], "Practitioner/a"),
        ([seen_by("RelatedPerson/r", "PPRF"), seen_by("PractitionerRole/x")], "PractitionerRole/x"),
        ([seen_by(f"{BASE}/Practitioner/a/_history/1")], "Practitioner/a"),
        ([seen_by("RelatedPerson/r")], None),
        ([{}], None),
        ([], None),
    ],
)
def test_the_clinician(tmp_path, participants, clinician):
    visit = the("visits", rows(tmp_path, encounter("e", "AMB", AT, participant=participants), aliases=[BASE]))
    assert visit["clinician"] == clinician


def test_a_clinician_who_cannot_be_resolved_is_counted(tmp_path):
    report, tables = flattened(
        tmp_path, [patient("p"), encounter("e", "AMB", AT, participant=[{"individual": {"reference": "#dr"}}])]
    )
    assert the("visits", tables)["clinician"] is None
    assert report["notes"]["practitioner-unresolved"] == 1


def test_a_row_leads_back_to_its_resource(tmp_path):
    visit = encounter("e", "AMB", AT, meta={"versionId": "7"}, **at("x"), part_of="d")
    row = the("visits", rows(tmp_path, visit))
    assert [row[key] for key in ("source", "id", "version", "organization", "part_of")] == [
        SOURCE, "e", "7", "Organization/x", "Encounter/d",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("label", "sensitive"),
    [
        (RESTRICTED["security"][0], True),
        ({"system": "http://hl7.org/fhir/v3/Confidentiality", "code": "V"}, True),
        ({"code": "R"}, True),
        ({"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N"}, False),
        ({"system": "http://hospital.example/labels", "code": "R"}, False),
    ],
)
def test_sensitive(tmp_path, label, sensitive):
    tables = rows(tmp_path, encounter("e", "AMB", AT, meta={"security": [label]}))
    assert the("visits", tables)["sensitive"] == sensitive
    assert [row["id"] for row in tables["restricted"]] == ["e"] * sensitive


def test_the_newest_of_lines_with_one_id_counts(tmp_path):
    def version(number, day, code):
        return encounter("e", code, AT, meta={"versionId": str(number), "lastUpdated": f"2026-03-{day:02}T00:00:00Z"})

    lines = [version(10, 2, "EMER"), version(9, 2, "AMB"), version(11, 1, "IMP")]
    report, tables = flattened(tmp_path, [patient("p"), *lines])
    assert (the("visits", tables)["class_code"], report["duplicates"]["Encounter"]) == ("EMER", 2)


def test_of_lines_that_tell_nothing_of_their_age_the_last_counts(tmp_path):
    lines = [encounter("e", code, AT) for code in ("AMB", "EMER", "IMP")]
    assert the("visits", rows(tmp_path, *lines))["class_code"] == "IMP"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"billablePeriod": {"start": "2026-01-01"}}, "2026-01-01"),
        ({"item": [{"servicedDate": "2026-01-05"}, {"servicedPeriod": {"start": "2026-01-03"}}]}, "2026-01-03"),
        ({"item": [{"sequence": 1}, {"servicedDate": "2026-01-05"}], "created": None}, "2026-01-05"),
        ({"item": [{"sequence": 1}]}, "2026-03-01"),
    ],
)
def test_when_a_claim_counts(tmp_path, more, expected):
    bill = the("claims", rows(tmp_path, claim("c", "2026-03-01", "5", **more)))
    assert bill["at"] == datetime.fromisoformat(expected)


def test_a_claim_names_its_visits_once(tmp_path):
    item = {"encounter": [{"reference": "Encounter/e"}, {"reference": f"{BASE}/Encounter/e"}]}
    bill = the("claims", rows(tmp_path, claim("c", "2026-03-01", "5", item=[item, item, {}]), aliases=[BASE]))
    assert bill["encounters"] == ["Encounter/e"]


def test_what_a_patient_tells(tmp_path):
    spanish = {"language": {"coding": [{"code": "es"}]}, "preferred": True}
    english = {"language": {"coding": [{"code": "en"}]}}
    needs = {"url": "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired", "valueBoolean": True}
    told = patient(
        "p", birthDate="1970-05", deceasedDateTime="2026-03-01", communication=[english, spanish], extension=[needs],
        link=[link("q", "replaces"), link("../RelatedPerson/r", "seealso")],
    )  # fmt: skip
    report, tables = flattened(tmp_path, [told, patient("q", active=False)])
    row = tables["patients"][0]
    assert (row["birth_date"], row["birth_date_partial"], row["language"], row["interpreter"]) == (
        date(1970, 5, 1), True, "es", True,
    )  # fmt: skip
    assert row["deceased"] and row["deceased_at"] == datetime(2026, 3, 1, 23, 59, 59, 999999)
    assert [each["active"] for each in tables["patients"]] == [True, False]
    assert [(each["other"], each["type"]) for each in tables["links"]] == [("Patient/q", "replaces")]
    assert report["notes"]["birth-date-partial"] == 1
