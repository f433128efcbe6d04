"""The stage as a whole: what it writes, what it refuses, what it leaves when it fails."""

import json
import stat
from zoneinfo import ZoneInfo

import pytest
from derive.lakes import RUN, SOURCE, flattened, pulled
from oracle.histories import encounter, patient

from service.engine import Engine
from service.errors import LakeProblem, WrongUsage
from service.flatten import flatten

TABLES = {
    "patients", "links", "opt_outs", "roles", "visits", "restricted", "claims", "claim_items", "restricted_claims",
    "adjudications", "payments", "diagnoses", "unusable",
}  # fmt: skip


def run(lake):
    with Engine.open(lake.spill) as engine:
        return flatten(
            lake.raw(SOURCE, RUN), lake.facts(SOURCE, RUN), engine=engine, source=SOURCE, zone=ZoneInfo("UTC")
        )


def test_every_table_is_there_even_when_empty_and_private(tmp_path):
    lake = pulled(tmp_path, [patient("p")])
    run(lake)
    files = list(lake.facts(SOURCE, RUN).iterdir())
    assert {file.stem for file in files if file.suffix == ".parquet"} == TABLES
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_facts_json_says_what_was_returned(tmp_path):
    lake = pulled(tmp_path, [patient("p"), encounter("e", "AMB", "2026")])
    report = run(lake)
    assert json.loads((lake.facts(SOURCE, RUN) / "facts.json").read_text()) == report
    assert report["facts"] == dict.fromkeys(report["facts"], 0) | {"patients": 1, "visits": 1}


def test_a_type_that_is_not_exposed_is_said_to_be_unknown(tmp_path):
    lake = pulled(tmp_path, [patient("p")], unknown=["Claim"])
    unknown = run(lake)["unknown"]
    assert unknown["Claim"] == "not in the capability statement"
    assert unknown["ExplanationOfBenefit"] == "not pulled"
    assert "Encounter" not in unknown


def test_without_patients_nothing_is_written(tmp_path):
    lake = pulled(tmp_path, [])
    (lake.raw(SOURCE, RUN) / "Patient.ndjson").unlink()
    with pytest.raises(LakeProblem, match="no patients were pulled"):
        run(lake)
    assert not list(lake.facts(SOURCE, RUN).parent.glob("*"))


def test_nothing_pulled_yet(tmp_path):
    lake = pulled(tmp_path, [])
    (lake.raw(SOURCE, RUN) / "manifest.json").unlink()
    with pytest.raises(LakeProblem, match="personalize pull"):
        run(lake)


def test_a_version_that_is_not_read_is_refused(tmp_path):
    lake = pulled(tmp_path, [patient("p")])
    path = lake.raw(SOURCE, RUN) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"fhir_version": "1.0.2"}))
    with pytest.raises(WrongUsage, match=r"FHIR 1\.0\.2 cannot be read"):
        run(lake)


def test_a_second_run_replaces_the_first(tmp_path):
    lake = pulled(tmp_path, [patient("p")])
    assert run(lake) == run(lake)


def test_a_patient_who_comes_twice_is_one(tmp_path):
    report, tables = flattened(tmp_path, [patient("p"), patient("p", birthDate="1970-05-05")])
    assert len(tables["patients"]) == 1 and report["duplicates"]["Patient"] == 1
