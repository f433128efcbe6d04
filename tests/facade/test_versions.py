"""What is served is said as the source says it: STU3 and R5."""

import datetime as dt
import json

import pytest
from facade_lake import client, typed
from fhir.resources import get_fhir_model_class as r5
from fhir.resources.STU3 import get_fhir_model_class as stu3

from service.facade.server import running as serving
from service.facade.wiring import wired
from service.sandbox import running


@pytest.mark.parametrize(("version", "model", "number"), [("stu3", stu3, "3.0"), ("r5", r5, "5.0")])
def test_each_version_is_served_in_its_own_words(tmp_path, monkeypatch, version, model, number):
    monkeypatch.chdir(tmp_path)
    with running(patients=3, fhir=version) as sandbox:
        (tmp_path / "personalize.toml").write_text(
            f'[sources.clinic]\nurl = "{sandbox.url}"\n[serve]\nport = 0\nauth = "off"\nreports = ["visits"]\n'
        )
        typed(monkeypatch, "run", "clinic", "--as-of", "2026-07-01")
    wiring = wired(tmp_path / "lake", None, lambda: dt.datetime(2026, 7, 2, tzinfo=dt.UTC))
    with serving(wiring) as served, client(served, wiring) as http:
        told = http.get("metadata").json()
        model("CapabilityStatement").model_validate(told)
        assert told["fhirVersion"].startswith(number)
        for type in ("Observation", "Provenance", "Patient", "AuditEvent"):
            found = [entry["resource"] for entry in http.bundle(f"{type}?_count=200")["entry"]]
            assert len(found) >= 3
            for resource in found:
                model(type).model_validate(json.loads(json.dumps(resource)))
        assert http.ids("List") == http.ids("MeasureReport") == []  # they are composed in R4 alone
        wanted = {"Accept": f"application/fhir+json; fhirVersion={number}"}
        assert http.get("Observation", headers=wanted).status_code == 200
        assert http.get("Observation", headers={"Accept": "application/fhir+json; fhirVersion=4.0"}).status_code == 406
