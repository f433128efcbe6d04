"""docs/own-views.md, followed literally: a view over an element that we do not read, and a measure on it."""

import json
import re
from pathlib import Path

import duckdb
import pytest

from fhir_profiles.read import read_profile
from service.compose.canonical import MEASURE

PAGE = (Path(__file__).parents[2] / "docs" / "own-views.md").read_text("utf-8")
OWN_SYSTEM = "https://hospital.example/CodeSystem/measures"
NIGHT = ("--as-of", "2026-07-01")


def block(language):
    (content,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return content


def pressure(number, patient, day, systolic, **more):
    component = {
        "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
        "valueQuantity": {"value": systolic, "unit": "mm[Hg]"},
    }
    return {
        "resourceType": "Observation",
        "id": f"bp-{number}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
        "subject": {"reference": patient},
        "effectiveDateTime": day,
        "component": [component],
        **more,
    }


RESTRICTED = {"security": [{"code": "R"}]}
PRESSURES = (
    pressure(1, "Patient/p03-emergency", "2026-03-01", 150),
    pressure(2, "Patient/p03-emergency", "2026-04-01T08:00:00Z", 120.5),
    pressure(3, "Patient/p03-emergency", "2026-05", 140),
    pressure(4, "Patient/p03-emergency", "2024-05-01", 190),
    pressure(5, "Patient/p03-emergency", "2026-05-02", 190, meta=RESTRICTED),
    pressure(6, "Patient/p03-emergency", "2026-05-02", 190, status="entered-in-error"),
    pressure(7, "Patient/nobody", "2026-05-02", 190),
    pressure(8, "Patient/p02-preventive", "soon", 190),
)


@pytest.fixture
def clinic(planted_sandbox, tmp_path, monkeypatch):
    """A source with blood pressures, and the page's folder."""
    planted_sandbox.store.load(json.dumps(each).encode() for each in PRESSURES)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "pressures.json").write_text(block("json"))
    (tmp_path / "own" / "pressure.py").write_text(block("python"))
    (tmp_path / "personalize.toml").write_text(f'{block("toml")}\n[sources.hospital]\nurl = "{planted_sandbox.url}"\n')
    monkeypatch.chdir(tmp_path)
    return planted_sandbox


@pytest.fixture(params=["duckdb", "spark"])
def engine(request, monkeypatch):
    if request.param == "spark":
        spark = request.getfixturevalue("real_spark")
        monkeypatch.setenv("PERSONALIZE_ENGINE", "spark")
        monkeypatch.setenv("PERSONALIZE_SPARK_MASTER", spark.spark_master)
        monkeypatch.setenv("PERSONALIZE_SPARK", json.dumps(spark.spark))
    return request.param


def explained(personalize, who):
    told = personalize("explain", "hospital", who, "--json")
    assert told.code == 0, told.err
    (own,) = [each for each in told.json["measures"] if each["code"] == "high-pressures-p1y"]
    return own, told.json["evidence"]


@pytest.mark.timeout(1_200)
def test_a_hospital_adds_a_view_and_a_measure_on_it(personalize, clinic, tmp_path, engine):
    ran = personalize("run", "hospital", *NIGHT, "--apply", "--json")
    assert ran.code == 0, ran.err
    own, evidence = explained(personalize, "p03-emergency")
    assert (own["of"], own["dimension"], own["title"]) == ([2, 3], "outcomes", "High blood pressures")
    assert {"Observation/bp-1", "Observation/bp-2", "Observation/bp-3"} <= set(evidence)
    assert not {"Observation/bp-4", "Observation/bp-5", "Observation/bp-6"} & set(evidence)
    (measures,) = tmp_path.glob("lake/profiles/*/*/measures.parquet")
    why = dict(duckdb.sql(f"SELECT patient, unknown FROM '{measures}' WHERE code = 'high-pressures-p1y'").fetchall())
    assert (why["Patient/p02-preventive"], why["Patient/p12-edges"]) == ("not-usable", "never-recorded")
    _aside(ran.json)
    _on_the_server(clinic)
    if engine == "duckdb":
        _and_the_next_night(personalize, clinic)


def _and_the_next_night(personalize, clinic):
    """The panels stand beside the pressures now, as Observations that nobody measured: nothing follows from them."""
    before = clinic.versions()
    again = personalize("run", "hospital", *NIGHT, "--apply", "--json").json
    assert [again["plan"][name] for name in ("create", "update", "remove")] == [0, 0, 0]
    assert clinic.versions() == before


def _aside(told):
    aside = {(each["where"], each["why"]) for each in told["set_aside"]}
    assert ("Observation/bp-7 (pressures)", "the patient is not among those pulled") in aside
    assert ("Observation/bp-8 (pressures)", "its `at` is no date of FHIR") in aside


def _on_the_server(clinic):
    """Under the hospital's own code system, and no published one."""
    panels = [json.loads(clinic.store.read(*key.split("/")).body) for key in clinic.versions() if "/panel-" in key]
    (panel,) = [each for each in panels if each["subject"]["reference"] == "Patient/p03-emergency"]
    codings = [each["code"]["coding"][0] for each in panel["component"]]
    (own,) = [each for each in codings if each["system"] == OWN_SYSTEM]
    assert own == {"system": OWN_SYSTEM, "code": "high-pressures-p1y", "display": "High blood pressures, last year"}
    assert {each["system"] for each in codings} == {OWN_SYSTEM, MEASURE}
    (component,) = [each for each in panel["component"] if each["code"]["coding"][0] == own]
    basis = {part["url"]: part for part in component["extension"][0]["extension"]}
    assert basis["definition"]["valueUri"] == f"{OWN_SYSTEM}#high-pressures-p1y"
    assert component["valueQuantity"]["value"] == 0.666667
    assert read_profile(panel).measure("high-pressures-p1y").denominator == 3


def test_who_is_erased_stands_in_no_table_of_the_hospitals(personalize, clinic, tmp_path):
    assert personalize("run", "hospital", *NIGHT, "--apply").code == 0
    (table,) = tmp_path.glob("lake/facts/*/*/own-pressures.parquet")
    patients = f"SELECT DISTINCT patient FROM '{table}'"
    assert duckdb.sql(patients).fetchall() == [("Patient/p03-emergency",)]
    said = personalize("erase", "hospital", "p03-emergency")
    assert said.code == 0, said.err
    assert "searched again: no resource of ours, no file and no row names them" in said.out
    assert duckdb.sql(patients).fetchall() == []
    assert not any(b"p03-emergency" in each.read_bytes() for each in tmp_path.glob("lake/raw/**/*.ndjson"))
