"""The whole way, always on: told of a visit, a new profile stands and is served; through restarts of every part."""

import json
import re
import signal
import subprocess
import sys

import httpx
import pytest
import redis
import redis_server
from always import came, until
from job_queues import later

from service import working
from service.facade.server import running as serving
from service.facade.wiring import wired
from service.sandbox import Faults
from service.settings import load
from service.subscriptions.kept import Kept, Subscription, digest_of


@pytest.fixture
def hospital(personalize, sandbox, tmp_path):
    """A source whose patients were read once and have their profiles."""
    sandbox.store.load(
        json.dumps({"resourceType": "Patient", "id": f"p{n}", "birthDate": "1970-01-01"}).encode() for n in range(3)
    )
    for n in range(3):
        came(sandbox, f"p{n}", 1)
    configure(tmp_path, sandbox)
    said = personalize("run", "hospital", "--apply")
    assert said.code == 0, said.err
    return sandbox


def configure(folder, sandbox, top="", source="apply = true", jobs="debounce = 0\nbackoff = 0\npoll = 0.1"):
    (folder / "personalize.toml").write_text(
        f'installation = "here"\n{top}\n[sources.hospital]\nurl = "{sandbox.url}"\n{source}\n'
        f'[serve]\nport = 0\nauth = "off"\n[jobs]\n{jobs}\n'
    )


def versions(sandbox):
    """Of panels, by patient."""
    found = [each for each in sandbox.versions().items() if each[0].startswith("Observation/")]
    bodies = {ref: json.loads(sandbox.store.read(*ref.split("/")).body) for ref, _ in found}
    return {bodies[ref]["subject"]["reference"]: version for ref, version in found}


def profile(base, patient):
    answer = httpx.get(f"{base}/Observation", params={"patient": patient}, timeout=30)
    return answer.json()["entry"][0]["resource"]


def test_told_of_a_visit_a_new_profile_is_written_and_served(hospital, tmp_path):
    with serving(wired(tmp_path / "lake", None)) as served:
        before = profile(served.base, "p1")
        Kept(served.queue.engine).keep(
            Subscription("s", "hospital", hospital.url, "criteria", "Encounter?", None, digest_of("x"), "active", 4e9)
        )
        visit = came(hospital, "p1", 7)
        root = served.base.removesuffix("/fhir")
        proof = {"authorization": "Bearer x", "content-type": "application/fhir+json"}
        for _ in range(10):
            answer = httpx.put(f"{root}/notify/s/Encounter/{visit['id']}", json=visit, headers=proof)
            assert answer.status_code == 200
        until(lambda: versions(hospital) == {"Patient/p0": 1, "Patient/p1": 2, "Patient/p2": 1})
        until(lambda: profile(served.base, "p1")["meta"]["versionId"] != before["meta"]["versionId"])
        metrics = httpx.get(f"{root}/metrics").text
    assert 'personalize_jobs_total{ended="done",kind="patient",source="hospital"}' in metrics
    assert 'personalize_queue_jobs{state="aside"} 0.0' in metrics


def test_jobs_of_other_processes_are_told_of_and_outlive_them(personalize, hospital, tmp_path):
    configure(tmp_path, hospital, jobs="debounce = 0\nbackoff = 0\nattempts = 2\nin_serve = false")
    wrong = '[[fault]]\nmethod = "POST"\npath = "^$"\nbody = "Patient/p2"\ndo = "status"\nstatus = 422'
    hospital.faults.replan(Faults.of(wrong).plan)
    for n in range(3):
        came(hospital, f"p{n}", 7)
    assert personalize("jobs", "ask", "hospital", "p0", "p1", "p2").code == 0
    assert personalize("worker", "--once").code == 0
    for _ in range(2):
        with serving(wired(tmp_path / "lake", None)) as served:
            metrics = httpx.get(f"{served.base.removesuffix('/fhir')}/metrics").text
        told = dict(re.findall(r'personalize_jobs_total{ended="(.+)",kind="patient",source="hospital"} (.+)', metrics))
        assert told == {"done": "2.0", "failed": "1.0", "aside": "1.0"}


@pytest.fixture
def own_redis(tmp_path_factory):
    with redis_server.running(tmp_path_factory.mktemp("own")) as url:
        yield url


def test_a_redis_that_is_flushed_in_the_middle_loses_nothing(personalize, hospital, tmp_path, own_redis):
    configure(tmp_path, hospital, f'redis_url = "{own_redis}"')
    client, flushed = redis.Redis.from_url(own_redis), []

    def flush(method, path, body):
        if "Encounter" in path and len(flushed) < 2:
            flushed.append(client.flushall())

    came(hospital, "p0", 7)
    assert personalize("jobs", "ask", "hospital", "p0", "p1").code == 0
    with working.queue(tmp_path / "lake", load()) as queue:
        queue.ask("hospital", "incremental", at_once=True)
    hospital.before = flush
    assert personalize("worker", "--once").code == 0
    assert len(flushed) == 2
    assert versions(hospital) == {"Patient/p0": 2, "Patient/p1": 1, "Patient/p2": 1}
    assert personalize("jobs", "list", "hospital", "--json").json["waiting"] == 0


def test_a_redis_that_is_gone_makes_runs_of_all_wait_and_patients_not(personalize, hospital, tmp_path):
    configure(tmp_path, hospital, f'redis_url = "unix://{tmp_path}/nothing"', jobs="debounce = 0\nbackoff = 60")
    came(hospital, "p0", 7)
    assert personalize("jobs", "ask", "hospital", "p0").code == 0
    with working.queue(tmp_path / "lake", load()) as queue:
        queue.ask("hospital", "incremental", at_once=True)
    assert personalize("worker", "--once").code == 0
    assert versions(hospital)["Patient/p0"] == 2
    assert personalize("jobs", "list", "hospital", "--json").json["waiting"] == 1


def test_a_scheduled_run_missed_while_nobody_worked_is_made_up_for(personalize, hospital, tmp_path):
    configure(tmp_path, hospital, source='apply = true\nincremental_at = "30 2 * * *"')
    assert personalize("worker", "--once").code == 0
    came(hospital, "p2", 7)
    with working.queue(tmp_path / "lake", load()) as queue:
        later(queue, 3 * 86_400)
    assert personalize("worker", "--once").code == 0
    assert versions(hospital) == {"Patient/p0": 1, "Patient/p1": 1, "Patient/p2": 2}
    assert "next       incremental at" in personalize("status").out


def test_two_workers_on_postgresql_that_is_restarted_do_every_job_once(
    personalize, hospital, tmp_path, real_postgres, empty_postgres
):
    configure(tmp_path, hospital, f'catalog_url = "{empty_postgres}"', jobs="debounce = 0\nbackoff = 0\nlease = 5")
    for n in range(3):
        came(hospital, f"p{n}", 7)
    assert personalize("jobs", "ask", "hospital", "p0", "p1", "p2").code == 0
    restarted = []

    def restart(method, path, body):
        if "Encounter" in path and not restarted:
            restarted.append(path)
            real_postgres.end()
            real_postgres.begin()

    hospital.before = restart
    words = [sys.executable, "-m", "service.cli", "worker"]
    workers = [subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.DEVNULL) for _ in range(2)]
    try:
        until(lambda: set(versions(hospital).values()) == {2})
        until(lambda: personalize("jobs", "list", "hospital", "--json").json["waiting"] == 0)
    finally:
        for each in workers:
            each.terminate()
    assert [each.wait(60) for each in workers] == [0, 0]
    assert len(restarted) == 1
    assert set(versions(hospital).values()) == {2}


def test_status_tells_of_each_source(personalize, hospital, tmp_path):
    assert personalize("jobs", "ask", "hospital", "p0").code == 0
    said = personalize("status", "--json")
    assert said.code == 0
    [told] = said.json
    assert told["last_run"]["stage"] == "apply"
    assert told["queue"]["waiting"] == 1
    assert told["fresh"] >= 0
    with working.queue(tmp_path / "lake", load()) as queue:
        claim = queue.claim(["hospital"])
        for _ in range(4):
            queue.failed(claim, "refused")
            claim = queue.claim(["hospital"])
        assert queue.failed(claim, "refused")
    said = personalize("status")
    assert said.code == 3
    assert "patient Patient/p0: refused" in said.out


def test_serve_told_to_end_ends_the_job_under_way_first(hospital, tmp_path):
    came(hospital, "p0", 7)
    with working.queue(tmp_path / "lake", load()) as queue:
        queue.ask("hospital", "patient", ["Patient/p0"])
    told = []

    def end(method, path, body):
        if "Encounter" in path and not told:
            told.append(path)
            process.send_signal(signal.SIGTERM)

    hospital.before = end
    words = [sys.executable, "-m", "service.cli", "serve", "hospital"]
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert process.wait(180) == 0
    assert len(told) == 1
    assert versions(hospital)["Patient/p0"] == 2
