"""The whole way on a real HAPI: planned, applied, run again, run a day later, edited in between, undone.

One story in order on the session's server; every fact is asked of the server, not of our report.
"""

import copy
import json
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest
from expectations import FAMILIES, family
from fhir.resources.R4B import get_fhir_model_class

from fhir_profiles import CANONICAL, artefacts
from tests.oracle import synthea as oracle

from .asked import OURS, errors, everything, panels, patients, standing, versions

DATA = Path(__file__).parents[1] / "data"
# Synthea's explanations of benefit are not loaded here: what they tell is compared without a server.
COMPARED = {"visits", "outpatient-visits", "ed-visits", "other-visits", "stays", "contact-days", "billed-charges",
            "last-preventive-visit", "upc", "coc", "inpatient-days", "secon", "fci-clinician", "fci-organization",
            "clinicians", "organizations"}  # fmt: skip
EXTENSION = f"{CANONICAL}/StructureDefinition/patient-personalization"
DAY_ONE, DAY_TWO = "2026-07-01", "2026-07-02"


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return tmp_path_factory.mktemp("first-run") / "lake"


@pytest.fixture(scope="module")
def server(loaded_hapi):
    with loaded_hapi.client() as client:
        yield client


def personalize(*words, code=0):
    """The command in a process of its own; its JSON answer."""
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", *map(str, words), "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def value_of(component):
    """A panel component as `expected.json` writes values."""
    if "valueQuantity" in component:
        return component["valueQuantity"]["value"]
    return component.get("valueDateTime")


@pytest.fixture(scope="module")
def before(server):
    return patients(server)


@pytest.fixture(scope="module")
def planned(server, before, lake):
    return personalize("run", server.base_url, "--as-of", DAY_ONE, "--lake", lake, "--write", "patient")


@pytest.fixture(scope="module")
def applied(server, planned, lake):
    assert panels(server) == {}, "planning wrote something"
    return personalize("run", server.base_url, "--as-of", DAY_ONE, "--lake", lake, "--write", "patient", "--apply")


def test_what_was_pulled_is_what_the_server_counts(server, planned):
    for kind in ("Patient", "Encounter", "Claim"):
        assert planned["pulled"][kind] == server.get(f"{kind}?_summary=count").json()["total"]


def test_a_plan_writes_nothing(server, planned):
    assert planned["plan"]["create"] == planned["profiles"] > 100
    assert planned["written"] == {}
    assert server.get(f"Observation?_tag={OURS}&_summary=count").json()["total"] == 0


def test_the_planted_measures_hold(server, applied, planted, capsys):
    _, expected = planted
    written, held = panels(server), Counter()
    for patient, wanted in expected.items():
        if wanted.get("profile") is False:
            assert f"Patient/{patient}" not in written
            continue
        for code, value in wanted.get("measures", {}).items():
            _assert_measure(written[f"Patient/{patient}"], code, value)
            held[family(code)] += 1
    with capsys.disabled():
        print(f"\nplanted measures that hold on HAPI: {held.total()} ({dict(held)})")
    assert held == FAMILIES


def _assert_measure(panel, code, wanted):
    found = [c for c in panel["component"] if c["code"]["coding"][0]["code"] == code]
    values = [value_of(component) for component in found]
    where = (panel["subject"], code)
    if wanted is None:
        assert values == [None], where
        assert found[0]["dataAbsentReason"]["coding"][0]["code"] in ("unknown", "unsupported"), where
    elif isinstance(wanted, dict) and "denominator" in wanted:
        (basis,) = [each["extension"] for each in found[0]["extension"]]
        parts = {part["url"]: part.get("valueDecimal") for part in basis}
        assert {name: parts[name] for name in wanted} == wanted, where
    elif isinstance(wanted, dict):
        amounts = {c["valueQuantity"]["code"]: Decimal(str(value_of(c))) for c in found if value_of(c) != 0}
        assert amounts == {currency: Decimal(amount) for currency, amount in wanted.items()}, where
    elif code == "last-preventive-visit":
        assert values == [wanted], where
    else:
        assert [Decimal(str(value)) for value in values] == [_plain(Fraction(wanted))], where


def test_the_planted_levels_and_pathways_hold(server, applied, planted):
    _, expected = planted
    written = panels(server)
    for patient, wanted in expected.items():
        if wanted.get("profile") is False:
            continue
        panel = written[f"Patient/{patient}"]
        assert panel.get("valueCodeableConcept", {}).get("coding", [{}])[0].get("code") == wanted["level"], patient
        assert _pathways(panel) == set(wanted["pathways"]), patient
        assert {rationale["code"] for rationale in _rationales(panel)} >= set(wanted.get("rationale", [])), patient


def _rationales(panel):
    url = f"{CANONICAL}/StructureDefinition/personalization-rationale"
    for extension in panel["extension"]:
        if extension["url"] == url:
            yield {part["url"]: part.get("valueCode") for part in extension["extension"]}


def _pathways(bearer):
    (extension,) = [each for each in bearer["extension"] if each["url"] == EXTENSION]
    return {
        each["valueCodeableConcept"]["coding"][0]["code"] for each in extension["extension"] if each["url"] == "pathway"
    }


def test_synthea_measures_equal_plain_python(server, lake, capsys):
    told = personalize("run", server.base_url, "--as-of", "2020-01-01", "--lake", lake)
    ours = _measures(lake, told["run"])
    theirs = oracle.answers(oracle.read(DATA / "synthea" / "r4"), "2020-01-01", "UTC")
    assert len(theirs) == 100
    checked, above_zero = Counter(), Counter()
    for patient, answer in theirs.items():
        for code, wanted in answer.measures.items():
            if family(code) not in COMPARED:
                continue
            assert ours[patient][code] == _plain(wanted), (patient, code)
            checked[family(code)] += 1
            above_zero[family(code)] += wanted not in (None, 0, {})
    with capsys.disabled():
        print(
            f"\nSynthea at 2020-01-01 equal to plain Python: {dict(checked)}, above zero: {dict(above_zero)}, failed: 0"
        )
    assert above_zero["visits"] > 100
    assert above_zero["billed-charges"] > 100


def _measures(lake, run):
    """{patient: {code: value}} of a run's Parquet, as `_plain` writes the oracle's."""
    (file,) = lake.glob(f"profiles/*/{run}/measures.parquet")
    found = {}
    for patient, code, unit, value, date, unknown in duckdb.sql(
        f"select patient, code, unit, value, date, unknown from '{file}'"
    ).fetchall():
        known = found.setdefault(patient, {})
        if unknown:
            known[code] = None
        elif code.startswith("billed-charges"):
            known.setdefault(code, {}).update({unit: value} if unit != "XXX" else {})
        else:
            known[code] = date if code == "last-preventive-visit" else value
    return found


def _plain(value):
    """A ratio is rounded to 6 places, as it is stored."""
    if isinstance(value, Fraction):
        return round(Decimal(value.numerator) / value.denominator, 6)
    return value


def test_everything_written_parses_and_validates(server, applied, capsys):
    _load_profiles(server)
    written = [*everything(server, f"Observation?_tag={OURS}&_count=200&_revinclude=Provenance:target")]
    written += everything(server, f"Device?_tag={OURS}")
    written += [p for p in everything(server, "Patient?_count=200") if EXTENSION in _urls(p)]
    kinds = Counter(resource["resourceType"] for resource in written)
    assert kinds["Observation"] == kinds["Provenance"] == applied["profiles"]
    assert kinds["Device"] == 1
    for resource in written:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        assert errors(server, resource) == [], resource["id"]
    with capsys.disabled():
        print(f"\nparsed by fhir.resources and accepted by $validate: {dict(kinds)}")


def test_a_broken_panel_is_refused_by_the_validator(server, applied):
    _load_profiles(server)
    panel = panels(server)["Patient/p03-emergency"]
    assert errors(server, panel) == []
    component = next(i for i, c in enumerate(panel["component"]) if "valueQuantity" in c)
    for name, breaking in {
        "no window": lambda p: p["component"][component].pop("extension"),
        "an unknown level": lambda p: p["valueCodeableConcept"]["coding"][0].update(code="golden"),
        "a text for a number": lambda p: p["component"][component].update(valueQuantity={"value": "many"}),
        "no extension": lambda p: p.pop("extension"),
    }.items():
        broken = copy.deepcopy(panel)
        breaking(broken)
        assert errors(server, broken), name


def _load_profiles(server):
    for artefact in artefacts("r4"):
        server.put(f"{artefact['resourceType']}/{artefact['id']}", json=artefact).raise_for_status()


def _urls(resource):
    return [extension["url"] for extension in resource.get("extension", [])]


def test_a_patient_alone_shows_the_extension(server, applied):
    patient = server.get("Patient/p03-emergency").json()
    (extension,) = [each for each in patient["extension"] if each["url"] == EXTENSION]
    assert {"url": "level", "valueCode": "intensive"} in extension["extension"]
    assert _pathways(patient) == {"preferred-scheduling", "proactive-outreach"}
    deceased = server.get("Patient/p08-deceased").json()
    assert EXTENSION not in _urls(deceased)


def test_an_app_reads_one_profile_in_one_request(server, applied):
    code = f"{CANONICAL}/CodeSystem/personalization-measure|profile"
    query = {"code": code, "status": "final,amended", "_sort": "-date", "_count": 1}
    bundle = server.get(
        "Observation", params={"patient": "p03-emergency", "_revinclude": "Provenance:target", **query}
    ).json()
    kinds = Counter(entry["resource"]["resourceType"] for entry in bundle["entry"])
    assert kinds == {"Observation": 1, "Provenance": 1}


def test_a_second_run_from_a_fresh_lake_writes_nothing(server, applied, tmp_path):
    stood = {kind: versions(server, kind) for kind in ("Observation", "Provenance", "Device", "Patient")}
    told = personalize(
        "run", server.base_url, "--as-of", DAY_ONE, "--lake", tmp_path / "lake", "--write", "patient", "--apply"
    )
    assert told["plan"]["unchanged"] == told["profiles"]
    assert {kind: versions(server, kind) for kind in stood} == stood


def test_a_day_later_exactly_the_panels_whose_measures_moved_get_a_version(server, applied, lake, capsys):
    moved = _moved_between(DAY_ONE, DAY_TWO)
    observations, people = versions(server, "Observation"), versions(server, "Patient")
    told = personalize("run", server.base_url, "--as-of", DAY_TWO, "--lake", lake, "--write", "patient", "--apply")
    ids = {panel["id"]: patient for patient, panel in panels(server).items()}
    newer = {ids[key] for key, count in versions(server, "Observation").items() if count > observations[key]}
    with capsys.disabled():
        print(f"\na day later: {len(moved)} panels moved: {sorted(moved)}")
    assert newer == moved
    assert "Patient/p07-survivor" in moved
    assert versions(server, "Patient") == people
    personalize("undo", told["run"], "--lake", lake)
    assert {p: c["component"] for p, c in panels(server).items()} == {
        p: c["component"] for p, c in _as_planned(lake, applied["run"]).items()
    }


def test_five_patients_come_again_and_exactly_their_panels_get_a_version(server, applied, lake):
    came = sorted(patient for patient, panel in panels(server).items() if _of_synthea_with_a_level(patient, panel))[:5]
    stood = {kind: standing(server, kind) for kind in ("Observation", "Provenance", "Patient")}
    for number, patient in enumerate(came):
        server.put(f"Encounter/came-again-{number}", json=_visit(number, patient)).raise_for_status()
    told = personalize("run", server.base_url, "--as-of", DAY_ONE, "--lake", lake, "--write", "patient", "--apply")
    newer = {kind: standing(server, kind) - stood[kind] for kind in stood}
    names = {panel["id"]: patient for patient, panel in panels(server).items()}
    assert {names[key]: count for key, count in newer["Observation"].items()} == dict.fromkeys(came, 1)
    assert newer["Provenance"].total() == len(came) == told["written"]["Provenance"]
    assert {f"Patient/{key}" for key in newer["Patient"]} <= set(came)
    personalize("undo", told["run"], "--lake", lake)
    for number in range(len(came)):
        server.delete(f"Encounter/came-again-{number}").raise_for_status()


def _of_synthea_with_a_level(patient, panel):
    return patient.count("-") == 4 and "valueCodeableConcept" in panel


def _visit(number, patient):
    return {
        "resourceType": "Encounter",
        "id": f"came-again-{number}",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": patient},
        "period": {"start": "2026-06-10T09:00:00Z", "end": "2026-06-10T09:20:00Z"},
    }


def _as_planned(lake, run):
    (file,) = lake.glob(f"plans/*/{run}.ndjson")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return {line["patient"]: line["observation"] for line in lines if line.get("observation")}


def _moved_between(first, second):
    """By the oracle: whose measures differ between two days. Only planted patients can move: Synthea ends in 2020."""
    both = [oracle.answers(oracle.read(DATA / "planted"), day, "UTC") for day in (first, second)]
    synthea = [oracle.answers(oracle.read(DATA / "synthea" / "r4"), day, "UTC") for day in (first, second)]
    assert synthea[0] == synthea[1]
    return {patient for patient in both[0] if both[0][patient] != both[1][patient]}


def test_a_clinicians_edit_between_read_and_write_survives(server, applied, lake):
    """Planned on one version, edited, then applied: the edit stays and the extension is there too."""
    personalize("undo", applied["run"], "--lake", lake)
    personalize("run", server.base_url, "--as-of", DAY_ONE, "--lake", lake, "--write", "patient")
    patient = server.get("Patient/p03-emergency").json()
    patient["telecom"] = [{"system": "phone", "value": "555-0100"}]
    server.put("Patient/p03-emergency", json=patient).raise_for_status()
    again = personalize("apply", server.base_url, "--lake", lake)
    now = server.get("Patient/p03-emergency").json()
    assert now["telecom"] == [{"system": "phone", "value": "555-0100"}]
    assert EXTENSION in _urls(now)
    personalize("undo", again["run"], "--lake", lake)
    now = server.get("Patient/p03-emergency").json()
    assert now["telecom"] == [{"system": "phone", "value": "555-0100"}]
    assert EXTENSION not in _urls(now)
    del now["telecom"]
    server.put("Patient/p03-emergency", json=now).raise_for_status()


def test_undo_leaves_every_patient_as_it_was(server, before, lake):
    """After the undo of the story above; once more from the start, for the record."""
    told = personalize("run", server.base_url, "--as-of", DAY_ONE, "--lake", lake, "--write", "patient", "--apply")
    assert sum(EXTENSION in _urls(patient) for patient in patients(server).values()) > 100
    personalize("undo", told["run"], "--lake", lake)
    assert patients(server) == before
    assert panels(server) == {}
    for kind in ("Observation", "Provenance", "Device"):
        assert server.get(f"{kind}?_tag={OURS}&_summary=count").json()["total"] == 0


def test_undo_twice_changes_nothing(server, lake):
    told = personalize("run", server.base_url, "--as-of", DAY_ONE, "--lake", lake, "--apply")
    personalize("undo", told["run"], "--lake", lake)
    stood = versions(server, "Observation")
    personalize("undo", told["run"], "--lake", lake)
    assert versions(server, "Observation") == stood
