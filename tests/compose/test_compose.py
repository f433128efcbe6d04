"""Derived files in, FHIR R4 out: what a hospital's server will be asked to store."""

import base64
import datetime as dt
import hashlib
import json
import re
from decimal import Decimal

import pytest
from derived_files import AS_OF, Derived, count, unknown, write
from fhir.resources.R4B.device import Device
from fhir.resources.R4B.observation import Observation
from fhir.resources.R4B.patient import Patient
from fhir.resources.R4B.provenance import Provenance

from fhir_profiles.read import read_profile
from service.compose import compose, device, read_edition
from service.compose.content import encode
from service.errors import LakeProblem, WrongUsage

NOW = dt.datetime(2026, 7, 1, 2, 30, tzinfo=dt.UTC)
FULL = Derived(
    "full",
    level="intensive",
    pathways=["claims-concierge", "financial-navigation", "preferred-scheduling"],
    rationale=[
        {
            "code": "ed-frequent",
            "measure": "ed-visits-p1y",
            "value": Decimal(5),
            "unit": "1",
            "threshold": Decimal(4),
            "threshold_unit": "1",
        },
        {
            "code": "last-preventive-visit",
            "measure": "last-preventive-visit",
            "date": dt.date(2024, 5, 14),
            "unit": "date",
            "threshold": Decimal(18),
            "threshold_unit": "mo",
        },
    ],
    measures=[
        count("billed-charges-p1y", "1210.00", "USD"),
        count("billed-charges-p1y", "380.10", "CAD"),
        count("contact-days-p1y", 22, "d"),
        count("ed-visits-p1y", 5),
        {"code": "last-preventive-visit", "unit": "date", "date": dt.date(2024, 5, 14)},
        unknown("coc-p1y", "too-few"),
        {
            **count("upc-p1y", "0.333333"),
            "numerator": 1,
            "denominator": 3,
            "coverage_numerator": 3,
            "coverage_denominator": 9,
        },
    ],
)
DEAD = Derived("dead", level=None, level_absent="deceased")
BLANK = Derived("blank", level=None, level_absent="too-little-data", measures=[unknown("visits-p1y", "not-exposed")])


def composed(folder, *derived, source="hospital", installation="north", **more):
    write(folder, *derived, **more)
    edition = read_edition(folder, source_id=source, installation=installation, recorded=NOW)
    return {each.patient: each for each in compose(folder, edition)}


def component(panel, code):
    return [each for each in panel["component"] if each["code"]["coding"][0]["code"] == code]


def test_every_resource_is_valid_r4(tmp_path):
    many = Derived("many", evidence=[f"Claim/{n}" for n in range(51)])
    for each in composed(tmp_path, FULL, DEAD, BLANK, many).values():
        Observation.model_validate_json(encode(each.panel))
        Provenance.model_validate_json(encode(each.provenance))
        if each.extension:
            Patient.model_validate_json(encode({"resourceType": "Patient", "extension": [each.extension]}))
    edition = read_edition(tmp_path, source_id="s", installation="i", recorded=NOW)
    Device.model_validate_json(encode(device(edition)))


def test_a_reader_gets_back_what_was_derived(tmp_path):
    panel = read_profile(composed(tmp_path, FULL)["Patient/full"].panel)
    assert (panel.level, panel.pathways) == ("intensive", tuple(FULL.pathways))
    assert panel.measure("billed-charges-p1y", "CAD").value == Decimal("380.1")
    assert panel.measure("last-preventive-visit").value == dt.date(2024, 5, 14)
    assert panel.measure("coc-p1y").unknown == "unknown"
    ratio = panel.measure("upc-p1y")
    assert (ratio.numerator, ratio.denominator, ratio.coverage, ratio.window) == (1, 3, Decimal("0.333333"), "p1y")
    assert [(why.code, why.threshold, why.threshold_unit) for why in panel.rationale] == [
        ("ed-frequent", 4, "1"),
        ("last-preventive-visit", 18, "mo"),
    ]


def test_the_patient_shows_no_number_no_money_and_no_reason(tmp_path):
    each = composed(tmp_path, FULL)["Patient/full"]
    text = encode(each.extension).decode()
    assert not re.search(r"Quantity|valueDecimal|rationale|USD|CAD|visits|charges|claims|financial", text)
    profile = read_profile({"resourceType": "Patient", "extension": [each.extension]})
    assert (profile.level, profile.pathways) == ("intensive", ("preferred-scheduling",))
    assert profile.profile == f"Observation/{each.panel['id']}"


@pytest.mark.parametrize(("derived", "reason"), [(DEAD, "not-applicable"), (BLANK, "unknown")])
def test_without_a_level_the_panel_says_why_and_the_patient_bears_nothing(tmp_path, derived, reason):
    each = composed(tmp_path, derived)[derived.patient]
    assert read_profile(each.panel).level_absent == reason
    assert "valueCodeableConcept" not in each.panel
    assert each.extension is None


def test_what_the_server_does_not_expose_is_unsupported_and_never_zero(tmp_path):
    [visits] = component(composed(tmp_path, BLANK)["Patient/blank"].panel, "visits-p1y")
    assert visits["dataAbsentReason"]["coding"][0]["code"] == "unsupported"
    assert visits["dataAbsentReason"]["text"] == "The server does not expose what this is computed from."
    assert "valueQuantity" not in visits


def test_windows_end_at_as_of_on_the_clock_of_the_source(tmp_path):
    midnight = dt.datetime(2028, 2, 29, 5, tzinfo=dt.UTC)
    panel = composed(tmp_path, FULL, as_of=midnight, time_zone="America/New_York")["Patient/full"].panel
    assert panel["effectivePeriod"] == {"start": "2027-02-28T00:00:00-05:00", "end": "2028-02-29T00:00:00-05:00"}
    assert panel["issued"] == "2028-02-29T00:00:00-05:00"
    profile = read_profile(panel)
    assert profile.valid_until.isoformat() == "2028-05-29T00:00:00-04:00"
    assert profile.framework_version == "0.1.0 / 1+01234567"
    assert panel["method"] == {"text": "fhir-personalization 0.1.0 / 1+01234567"}


def test_decimals_are_written_digit_by_digit(tmp_path):
    text = encode(composed(tmp_path, FULL)["Patient/full"].panel).decode()
    assert '"value":380.1,' in text
    assert '"value":1210,' in text
    assert '"valueDecimal":0.333333' in text


def test_ids_are_the_same_for_the_same_and_different_for_others(tmp_path):
    def ids(**who):
        each = composed(tmp_path, FULL, **who)["Patient/full"]
        return each.panel["id"], each.provenance["id"], each.panel["device"]["reference"].removeprefix("Device/")

    first = ids()
    assert ids() == first
    everybody = {*first, *ids(source="clinic"), *ids(installation="south")}
    assert len(everybody) == 9
    assert all(re.fullmatch(r"[a-z]+-[0-9a-f]{40}", each) and len(each) <= 64 for each in everybody)


def test_another_content_has_another_provenance_and_the_same_panel(tmp_path):
    before = composed(tmp_path, Derived("x"))["Patient/x"]
    after = composed(tmp_path, Derived("x", level="enhanced"))["Patient/x"]
    assert before.panel["id"] == after.panel["id"]
    assert before.provenance["id"] != after.provenance["id"]


def test_a_later_night_has_the_same_content(tmp_path):
    tonight = composed(tmp_path, FULL)["Patient/full"]
    tomorrow = composed(tmp_path, FULL, as_of=AS_OF + dt.timedelta(days=1))["Patient/full"]
    assert tonight.panel != tomorrow.panel
    assert tonight.content == tomorrow.content


def test_up_to_fifty_sources_are_named_one_by_one(tmp_path):
    evidence = [f"Encounter/{n:02}" for n in range(50)]
    provenance = composed(tmp_path, Derived("x", evidence=evidence))["Patient/x"].provenance
    assert [entity["what"]["reference"] for entity in provenance["entity"]] == evidence
    assert {entity["role"] for entity in provenance["entity"]} == {"source"}


def test_more_sources_are_one_digest_that_anybody_can_check(tmp_path):
    evidence = [f"Encounter/{n}" for n in range(51)]
    provenance = composed(tmp_path, Derived("x", evidence=evidence))["Patient/x"].provenance
    [contained] = provenance["contained"]
    assert provenance["entity"] == [{"role": "source", "what": {"reference": "#evidence"}}]
    lines = "".join(f"{each}\n" for each in sorted(evidence)).encode()
    expected = base64.urlsafe_b64encode(hashlib.sha256(lines).digest()).decode().rstrip("=")
    assert contained["identifier"] == [{"system": "urn:ietf:rfc:6920", "value": f"ni:///sha-256;{expected}"}]
    assert contained["note"][0]["text"].startswith("51 records")


def test_what_we_create_is_labelled_as_ours(tmp_path):
    each = composed(tmp_path, FULL)["Patient/full"]
    for resource in (each.panel, each.provenance):
        codes = {label["code"] for label in resource["meta"]["security"]}
        assert codes == {"DEVAST", "R"}
        assert resource["meta"]["tag"] == [
            {"system": "https://w3id.org/fhir-personalization/installation", "code": "north"}
        ]


def test_profiles_come_in_patient_order_each_with_its_own_measures(tmp_path):
    many = [Derived(f"p{n}", measures=[count("ed-visits-p1y", n)] if n % 3 else []) for n in (5, 12, 3, 1, 2)]
    found = composed(tmp_path, *many)
    assert list(found) == ["Patient/p1", "Patient/p12", "Patient/p2", "Patient/p3", "Patient/p5"]
    values = {name: [c["valueQuantity"]["value"] for c in each.panel["component"]] for name, each in found.items()}
    assert values == {"Patient/p1": [1], "Patient/p12": [], "Patient/p2": [2], "Patient/p3": [], "Patient/p5": [5]}


def test_a_measure_with_neither_value_nor_reason_is_an_error(tmp_path):
    with pytest.raises(LakeProblem, match="neither a value"):
        composed(tmp_path, Derived("x", measures=[{"code": "ed-visits-p1y", "unit": "1"}]))


def test_measures_of_nobody_are_an_error(tmp_path):
    write(tmp_path / "more", Derived("a"), Derived("b"))
    write(tmp_path / "less", Derived("a"))
    (tmp_path / "more" / "measures.parquet").replace(tmp_path / "less" / "measures.parquet")
    edition = read_edition(tmp_path / "less", source_id="s", installation="i", recorded=NOW)
    with pytest.raises(LakeProblem, match="lacks"):
        list(compose(tmp_path / "less", edition))


def test_nothing_derived_yet(tmp_path):
    with pytest.raises(LakeProblem, match="nothing here yet"):
        read_edition(tmp_path, source_id="s", installation="i", recorded=NOW)


def test_profiles_of_another_shape_are_an_error(tmp_path):
    (tmp_path / "profiles.json").write_text(json.dumps({"as_of": "2026-07-01T00:00:00Z"}))
    with pytest.raises(LakeProblem, match="time_zone"):
        read_edition(tmp_path, source_id="s", installation="i", recorded=NOW)


def test_another_release_is_refused(tmp_path):
    write(tmp_path, FULL)
    with pytest.raises(WrongUsage, match=r"STU3, R4, R4B, R5, not for FHIR 1\.0\.2"):
        read_edition(tmp_path, source_id="s", installation="i", recorded=NOW, fhir_version="1.0.2")


def test_nothing_is_left_beside_the_profiles(tmp_path):
    composed(tmp_path / "run", FULL)
    assert [each.name for each in tmp_path.iterdir()] == ["run"]
