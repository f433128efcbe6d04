"""A source that speaks STU3 or R5 is written to as it speaks, and what it then holds is known as our own."""

import json

import httpx
import pytest
from fhir.resources import get_fhir_model_class as r5_model
from fhir.resources.STU3 import get_fhir_model_class as stu3_model

from fhir_profiles import read_profile
from service.lake import Lake

SPOKEN = {"3.0.2": stu3_model, "5.0.0": r5_model}
RUNGS = {"observation": "Observation", "flag": "Flag", "document": "DocumentReference"}


@pytest.fixture
def speaking(personalize, planted_sandbox, tmp_path):
    """A run derived from a server that is said to speak another version: what is pulled stays what it was."""

    def until_derived(version):
        for stage in ("pull", "flatten", "derive"):
            words = ("--as-of", "2026-07-01") if stage == "derive" else ()
            assert personalize(stage, planted_sandbox.url, *words).code == 0
        (manifest,) = (tmp_path / "lake" / "raw").glob("*/*/manifest.json")
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"fhir_version": version}))
        return Lake(tmp_path / "lake")

    return until_derived


def standing(sandbox, resource_type):
    bundle = httpx.get(f"{sandbox.url}/{resource_type}", params={"_count": "1000"}).json()
    return [entry["resource"] for entry in bundle.get("entry", [])]


@pytest.mark.parametrize("version", SPOKEN)
@pytest.mark.parametrize("rung", RUNGS)
def test_it_is_written_as_that_version_and_found_unchanged(personalize, planted_sandbox, speaking, version, rung):
    speaking(version)
    url, write = planted_sandbox.url, ("--write", rung)
    assert personalize("plan", url, *write).code == 0
    applied = personalize("apply", url, "--json")
    assert applied.code == 0, applied.err
    for kind in (RUNGS[rung], "Provenance", "Device"):
        resources = standing(planted_sandbox, kind)
        assert resources
        for resource in resources:
            SPOKEN[version](kind).model_validate(resource)
    again = personalize("plan", url, *write, "--full", "--json").json["plan"]
    assert (again["create"], again["update"], again["remove"]) == (0, 0, 0)
    assert again["unchanged"] > 10


def test_an_app_reads_the_same_profile_in_stu3(personalize, planted_sandbox, speaking, planted):
    speaking("3.0.2")
    personalize("plan", planted_sandbox.url)
    personalize("apply", planted_sandbox.url)
    levels = {
        each["subject"]["reference"]: read_profile(each).level for each in standing(planted_sandbox, "Observation")
    }
    for name, wanted in planted[1].items():
        if wanted.get("profile", True) and name not in ("p05-readmitted", "p13-fragmented", "p07-old"):
            assert levels[f"Patient/{name}"] == wanted["level"]
