"""What is served as time goes by: what lapses, waits, is declined, undone, derived again, or erased."""

import datetime as dt
import json
import os
import sqlite3
from contextlib import closing

import duckdb
import pytest
from facade_lake import BASE, BUSY, MORNING, OTHER, typed

from service.catalog import Catalog, Run
from service.errors import LakeProblem

PANEL = f"code={BASE}/CodeSystem/personalization-measure|profile"
EXTENSION = f"{BASE}/StructureDefinition/patient-personalization"


def panel_of(http, patient=BUSY):
    return http.get(f"Patient/{patient}/$personalization-profile").json()


def test_past_its_validity_a_profile_is_not_there(served):
    http = served(now=lambda: MORNING + dt.timedelta(days=90))
    assert http.ids("Observation") == http.ids("Provenance") == []
    assert http.get(f"Patient/{BUSY}/$personalization-profile").status_code == 404
    assert http.ids("Patient?personalization-level=intensive") == []
    assert "extension" not in http.get(f"Patient/{BUSY}").json()


def test_it_lapses_while_it_is_served(served):
    clock = [MORNING]
    http = served(now=lambda: clock[0])
    before = http.get(f"Patient/{BUSY}")
    panel = panel_of(http)["id"]
    clock[0] = dt.datetime(2026, 9, 29, tzinfo=dt.UTC)
    assert http.get(f"Observation/{panel}").status_code == 404
    after = http.get(f"Patient/{BUSY}", headers={"If-None-Match": before.headers["etag"]})
    assert (after.status_code, "extension" in after.json()) == (200, False)


def test_what_waits_for_a_person_is_not_there_until_one_accepts_it(served, monkeypatch):
    http = served(source='review = "intensive"')
    assert http.get(f"Patient/{BUSY}/$personalization-profile").status_code == 404
    assert http.ids(f"Observation?patient={BUSY}") == http.ids(f"Provenance?patient={BUSY}") == []
    assert "extension" not in http.get(f"Patient/{BUSY}").json()
    assert len(http.ids("Observation")) == 14
    typed(monkeypatch, "review", "accept", "clinic", BUSY, "--by", "Dr. A", "--reason", "seen")
    assert http.wiring.refresh()
    assert panel_of(http)["performer"] == [{"display": "Dr. A"}]
    assert http.ids(f"Observation?_lastUpdated=ge2026-07-02&patient={BUSY}") == [panel_of(http)["id"]]
    assert "extension" in http.get(f"Patient/{BUSY}").json()


def test_a_file_that_was_changed_and_then_made_anew_under_readers_is_whole(served, monkeypatch):
    http = served(source='review = "intensive"')
    assert len(http.ids("Observation")) == 14
    typed(monkeypatch, "review", "accept", "clinic", BUSY, "--by", "Dr. A", "--reason", "seen")
    assert http.wiring.refresh()
    assert len(http.ids("Observation")) == 15
    for parquet in http.wiring.lake.root.glob("profiles/*/*/profiles.parquet"):
        os.utime(parquet)  # derived again
    assert http.wiring.refresh()
    assert not http.wiring.refresh()
    assert len(http.ids("Observation")) == 15
    file = http.wiring.lake.served("clinic")
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_what_was_undone_is_not_served_any_more(served):
    http = served()
    with Catalog.open(http.wiring.lake.catalog) as catalog:
        catalog.reached(catalog.latest("clinic", ["apply"]).run, "undo")
    with pytest.raises(LakeProblem, match="nothing was planned or applied"):
        http.wiring.refresh()
    answer = http.get(f"Patient/{BUSY}/$personalization-profile")
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (503, "transient")
    assert http.get(f"{http.root}/readyz").status_code == 503


def test_what_a_person_declines_is_gone_with_the_next_look(served, monkeypatch):
    http = served("auth = 'off'\nrefresh = 0.05")
    panel = panel_of(http)["id"]
    typed(monkeypatch, "review", "decline", "clinic", BUSY, "--by", "Dr. A", "--reason", "not so")
    for _ in range(400):
        if http.get(f"Observation/{panel}").status_code == 404:
            break
    assert http.get(f"Observation/{panel}").status_code == 404
    assert len(http.ids("Observation")) == 15


def test_a_run_of_one_patient_takes_nobody_away(served, monkeypatch):
    http = served()
    before = panel_of(http, OTHER)
    with Catalog.open(http.wiring.lake.catalog) as catalog:
        first = catalog.latest("clinic", ["apply"])
        limited(http.wiring.lake, first, only=f"Patient/{BUSY}")
        catalog.begin(Run("20991231T000000000000Z", "clinic", first.base, first.installation, first.started, "plan"))
    assert http.wiring.refresh()
    assert len(http.ids("Observation")) == 16
    assert panel_of(http, OTHER) == before


def limited(lake, run, only):
    """As a run of one patient leaves the lake."""
    target = lake.profiles("clinic", "20991231T000000000000Z")
    target.mkdir()
    for name in ("profiles", "measures"):
        rows = (
            f"SELECT * FROM read_parquet('{lake.profiles('clinic', run.run)}/{name}.parquet') WHERE patient = '{only}'"
        )
        duckdb.execute(f"COPY ({rows}) TO '{target}/{name}.parquet' (FORMAT parquet)")
    (target / "profiles.json").write_bytes((lake.profiles("clinic", run.run) / "profiles.json").read_bytes())
    raw = lake.raw("clinic", "20991231T000000000000Z")
    raw.mkdir()
    manifest = json.loads((lake.raw("clinic", run.run) / "manifest.json").read_text())
    (raw / "manifest.json").write_text(json.dumps(manifest | {"limited": True}))


def test_who_is_erased_is_neither_served_nor_in_the_record_any_more(served, monkeypatch):
    http = served('auth = "off"\nreports = ["visits"]')
    gone = "p01-quiet"
    assert http.get(f"Patient/{gone}").status_code == 200
    assert http.ids(f"AuditEvent?patient={gone}")
    assert http.ids("Observation?patient=p01-quiet&status=preliminary") == []  # the record names who was asked for
    typed(monkeypatch, "erase", "clinic", gone)
    assert http.get(f"Patient/{gone}").status_code == 404
    assert http.ids(f"Observation?patient={gone}") == []
    assert http.ids("List") == []
    again = [entry["resource"] for entry in http.bundle("AuditEvent?_count=200")["entry"]]
    assert all(gone not in json.dumps(each) for each in again)
    assert all("UGF0aWVudC9wMDEtcXVpZXQ" not in json.dumps(each) for each in again)
