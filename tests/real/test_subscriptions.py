"""HAPI tells of a visit by its own Subscriptions, and the new profile stands on it; then they are taken back."""

import time

import pytest

from service.facade.server import running as serving
from service.facade.wiring import wired

DAY = 86_400


@pytest.fixture
def server(hapi):
    with hapi.client() as client:
        yield client


def put(server, resource):
    server.put(f"/{resource['resourceType']}/{resource['id']}", json=resource).raise_for_status()


def visit(patient, number):
    day = time.strftime("%Y-%m-%dT10:00:00Z", time.gmtime(time.time() - DAY * (number + 2)))
    return {
        "resourceType": "Encounter",
        "id": f"{patient}-{number}",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"},
        "subject": {"reference": f"Patient/{patient}"},
        "period": {"start": day, "end": day},
    }


def subscriptions(server):
    answer = server.get("/Subscription", headers={"Cache-Control": "no-cache"}).raise_for_status().json()
    return [entry["resource"] for entry in answer.get("entry", [])]


def version(server, patient):
    found = server.get(f"/Observation?patient={patient}", headers={"Cache-Control": "no-cache"}).json()
    return [int(entry["resource"]["meta"]["versionId"]) for entry in found.get("entry", [])]


def until(seen, seconds=240):
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)


@pytest.mark.parametrize("content", ["empty", "full-resource"])
def test_told_of_a_visit_a_new_profile_stands_on_the_server(personalize, hapi, server, tmp_path, content):
    patient = f"told-{content}"
    put(server, {"resourceType": "Patient", "id": patient, "birthDate": "1970-01-01"})
    put(server, visit(patient, 0))
    who, settings = tmp_path / "who.txt", tmp_path / "personalize.toml"
    who.write_text(f"{patient}\n")
    text = (
        f'installation = "told-{content}"\n[sources.hapi]\nurl = "{hapi.base}"\napply = true\noverlap = 0\n'
        f'notify_content = "{content}"\n[jobs]\ndebounce = 0.5\npoll = 0.1\n[serve]\nauth = "off"\n'
    )
    settings.write_text(text + "port = 0\n")
    said = personalize("run", "hapi", "--apply", "--patients-from", who)
    assert said.code == 0, said.err
    before = version(server, patient)
    with serving(wired(tmp_path / "lake", None)) as served:
        port = served.origin.rpartition(":")[2]
        settings.write_text(f"{text}port = {port}\n")
        assert personalize("subscribe", "hapi", "--apply").code == 0
        until(lambda: {each["status"] for each in subscriptions(server)} == {"active"})
        for number in range(1, 8):
            put(server, visit(patient, number))
        until(lambda: sum(version(server, patient)) > sum(before))
        assert personalize("unsubscribe", "hapi", "--apply").code == 0
    assert subscriptions(server) == []
