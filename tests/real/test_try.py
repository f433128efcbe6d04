"""`try`, reviews and `erase` on a real HAPI, which keeps referential integrity: it deletes nothing that is referred to.

Everything is judged by what HAPI itself answers; other tests' resources on it stay as they are.
"""

import json
import subprocess
import sys
import time

import pytest

from fhir_profiles import CANONICAL

MADE = ("Patient", "Encounter", "Claim", "ExplanationOfBenefit", "Organization", "Practitioner", "PractitionerRole")
WRITTEN = ("Observation", "Provenance", "Device")
WHO, OTHER = "after-writing-1", "after-writing-2"


@pytest.fixture(scope="module")
def server(hapi):
    with hapi.client() as client:
        yield client


@pytest.fixture
def lake(tmp_path):
    return tmp_path / "lake"


def words(lake, *asked):
    return [sys.executable, "-m", "service.cli", *map(str, asked), "--lake", str(lake)]


def personalize(lake, *asked, cwd=None, code=0):
    done = subprocess.run(words(lake, *asked), capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def total(server, search):
    return (
        server.get(f"{search}&_summary=count", headers={"Cache-Control": "no-cache"}).raise_for_status().json()["total"]
    )


def of_trials(server):
    """All that any trial made, whatever its name: each of them bears the tag of test data."""
    test_data = "_tag=http://terminology.hl7.org/CodeSystem/v3-ActReason|HTEST"
    return sum(total(server, f"/{kind}?{test_data}") for kind in MADE)


def counts(server):
    return {kind: total(server, f"/{kind}?_lastUpdated=gt2000") for kind in (*MADE, *WRITTEN)}


def test_a_trial_shows_the_whole_way_and_leaves_nothing(hapi, server, lake):
    before = counts(server)
    told = json.loads(personalize(lake, "try", hapi.base, "--patients", 3, "--json"))
    assert told["run"]["pulled"]["Patient"] == 3
    assert told["run"]["written"]["Observation"] == 3
    assert (told["left"], told["deleted"]["Patient"]) == ([], 3)
    assert counts(server) == before
    assert of_trials(server) == 0


def test_after_a_kill_clean_leaves_nothing(hapi, server, lake):
    before = counts(server)
    process = subprocess.Popen(words(lake, "try", hapi.base, "--patients", 3), stdout=subprocess.DEVNULL)
    while total(server, "/Claim?_tag=http://terminology.hl7.org/CodeSystem/v3-ActReason|HTEST") == 0:
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert of_trials(server) > 0
    personalize(lake, "try", hapi.base, "--clean")
    assert counts(server) == before
    assert of_trials(server) == 0


@pytest.fixture
def hospital(hapi, server, tmp_path):
    """Two patients of which the first comes to the emergency room often; the profiles of such wait for a person."""
    for patient in (WHO, OTHER):
        server.put(f"/Patient/{patient}", json={"resourceType": "Patient", "id": patient, "birthDate": "1970-01-01"})
    for number in range(1, 6):
        server.put(f"/Encounter/{WHO}-{number}", json=emergency(f"{WHO}-{number}", f"2026-0{number}-03T20:00:00Z"))
    server.put("/Practitioner/after-writing-dr", json={"resourceType": "Practitioner", "id": "after-writing-dr"})
    (tmp_path / "personalize.toml").write_text(
        f'[sources.clinic]\nurl = "{hapi.base}"\nwrite = "patient"\nreview = "intensive"\n'
    )
    return tmp_path


def emergency(identity, start):
    return {
        "resourceType": "Encounter",
        "id": identity,
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"},
        "subject": {"reference": f"Patient/{WHO}"},
        "period": {"start": start},
    }


def panels(server, patient, status):
    query = (
        f"/Observation?patient={patient}&code={CANONICAL}/CodeSystem/personalization-measure|profile&status={status}"
    )
    entries = server.get(query, headers={"Cache-Control": "no-cache"}).json().get("entry", [])
    return [entry["resource"] for entry in entries]


def test_held_accepted_and_erased(hospital, server, lake):
    def typed(*asked):
        return personalize(lake, *asked, cwd=hospital)

    typed("run", "clinic", "--as-of", "2026-07-01", "--apply")
    assert panels(server, WHO, "final,amended") == []
    assert len(panels(server, WHO, "preliminary")) == 1
    typed("review", "accept", "clinic", WHO, "--by", "Practitioner/after-writing-dr", "--reason", "seen")
    typed("plan", "clinic")
    typed("apply", "clinic")
    (panel,) = panels(server, WHO, "final,amended")
    assert panel["performer"] == [{"reference": "Practitioner/after-writing-dr"}]
    assert "patient-personalization" in server.get(f"/Patient/{WHO}").text

    told = json.loads(typed("erase", "clinic", WHO, "--json"))
    assert told["left"] == []
    assert panels(server, WHO, "final,amended,preliminary") == []
    assert server.get(f"/Observation/{panel['id']}").status_code == 410
    assert "patient-personalization" not in server.get(f"/Patient/{WHO}").text
    assert len(panels(server, OTHER, "final")) == 1
    assert told["history"][f"Observation/{panel['id']}"] == 2
