"""A patient whose visits changed has a new profile soon after: by workers that may be killed, by several at once."""

import json
import signal
import time

import pytest
from always import came
from job_queues import later, rows
from processes import finished
from processes import personalize as process

from service import pipeline, working
from service.errors import PersonalizeError
from service.jobs.queue import Queue
from service.jobs.worker import Worker
from service.sandbox import Faults
from service.settings import load


@pytest.fixture
def hospital(sandbox, tmp_path, monkeypatch):
    """A configured source with six patients and a visit each, that jobs may write to."""
    monkeypatch.chdir(tmp_path)
    sandbox.store.load(
        json.dumps({"resourceType": "Patient", "id": f"p{n}", "birthDate": "1970-01-01"}).encode() for n in range(6)
    )
    for n in range(6):
        came(sandbox, f"p{n}", 1)
    configure(tmp_path, sandbox)
    return sandbox


def configure(folder, sandbox, jobs="debounce = 0\nlease = 2\nbackoff = 0", more=""):
    (folder / "personalize.toml").write_text(
        f'[sources.hospital]\nurl = "{sandbox.url}"\napply = true\n{more}\n[jobs]\n{jobs}\n'
    )


def panels(sandbox):
    """Versions by patient."""
    said = {}
    for reference, version in sandbox.versions().items():
        if reference.startswith("Observation/"):
            body = json.loads(sandbox.store.read(*reference.split("/")).body)
            said.setdefault(body["subject"]["reference"], []).append(version)
    return said


def ask(personalize, *patients):
    assert personalize("jobs", "ask", "hospital", *patients).code == 0


def test_fifty_events_make_one_run_and_one_version(personalize, hospital, tmp_path):
    for _ in range(50):
        ask(personalize, "p0")
    assert personalize("worker", "--once").code == 0
    assert panels(hospital) == {"Patient/p0": [1]}
    assert len(list(tmp_path.glob("lake/raw/hospital/*"))) == 1
    came(hospital, "p0", 6)
    ask(personalize, "p0")
    assert personalize("worker", "--once").code == 0
    assert panels(hospital) == {"Patient/p0": [2]}
    ask(personalize, "p0")
    assert personalize("worker", "--once").code == 0
    assert panels(hospital) == {"Patient/p0": [2]}


def test_one_alone_has_the_profile_that_they_have_among_all(personalize, planted_sandbox, planted, tmp_path):
    """What the source records at all, of preventive visits or of bills, is not asked of one patient's records."""
    configure(tmp_path, planted_sandbox, "debounce = 0\ntogether = 1")
    assert personalize("run", "hospital", "--apply").code == 0
    resources, _ = planted
    before = planted_sandbox.versions()
    ask(personalize, *(each["id"] for each in resources["Patient"]))
    assert personalize("worker", "--once").code == 0
    assert personalize("jobs", "list", "hospital", "--json").json["set_aside"] == []
    assert planted_sandbox.versions() == before


def test_one_alone_rests_on_no_older_run_of_all_than_there_is(personalize, hospital, monkeypatch):
    """A run of all that ends before it writes knows of a merge that it had not read: it is not left without."""
    assert personalize("run", "hospital", "--apply").code == 0
    came(hospital, "p0", 3)
    apply = pipeline.apply

    def overtaken(work):
        monkeypatch.setattr(pipeline, "apply", apply)
        link = {"other": {"reference": "Patient/p0"}, "type": "replaced-by"}
        hospital.store.put({"resourceType": "Patient", "id": "p1", "birthDate": "1970-01-01", "link": [link]})
        assert personalize("run", "hospital", "--apply", "--max-removals", "1").code == 0
        return apply(work)

    monkeypatch.setattr(pipeline, "apply", overtaken)
    ask(personalize, "p0")
    assert personalize("worker", "--once").code == 0
    told = personalize("run", "hospital", "--full", "--json").json
    assert told["plan"] == {"create": 0, "update": 0, "unchanged": 5, "remove": 0}


def test_who_is_not_there_is_no_poison(personalize, hospital):
    ask(personalize, "nobody")
    assert personalize("worker", "--once").code == 0
    assert personalize("jobs", "list", "hospital", "--json").json["aside"] == 0
    assert personalize("jobs", "list", "hospital", "--json").json["waiting"] == 0


@pytest.mark.parametrize("moment", ["pulling", "writing"])
def test_the_job_of_a_worker_that_was_killed_is_taken_over(personalize, hospital, tmp_path, moment):
    ask(personalize, "p0", "p1")
    wanted, victim = ("Encounter" if moment == "pulling" else "Observation"), []

    def kill(method, path, body):
        if victim and wanted in path and (moment == "pulling" or method in ("POST", "PUT")):
            victim.pop().kill()

    started = process(tmp_path, "worker")
    victim.append(started)
    hospital.before = kill
    assert finished(started) == -signal.SIGKILL
    with working.queue(tmp_path / "lake", load()) as queue:
        assert queue.counts("hospital").running == 1
        later(queue, 10)
    assert personalize("worker", "--once").code == 0
    assert panels(hospital) == {"Patient/p0": [1], "Patient/p1": [1]}
    assert personalize("jobs", "list", "hospital", "--json").json["waiting"] == 0


def test_who_was_given_up_and_wakes_again_writes_nothing(personalize, hospital, tmp_path):
    ask(personalize, "p0")
    taken = []

    def take_over(method, path, body):
        if not taken and "Observation" in path:
            with working.queue(tmp_path / "lake", load()) as queue:
                while not taken or taken[-1] is None:  # it may renew its lease in between
                    later(queue, 10)
                    taken.append(queue.claim(["hospital"]))

    hospital.before = take_over
    assert personalize("worker", "--once").code == 0
    assert taken[-1].tries == 2
    assert hospital.writes == []


def test_three_workers_do_each_job_once(personalize, hospital, tmp_path):
    ask(personalize, *[f"p{n}" for n in range(6)])
    started = [process(tmp_path, "worker", "--once") for _ in range(3)]
    assert [finished(each) for each in started] == [0, 0, 0]
    assert panels(hospital) == {f"Patient/p{n}": [1] for n in range(6)}
    runs = list(tmp_path.glob("lake/raw/hospital/*"))
    assert len(runs) == 6


def test_one_that_cannot_be_done_is_set_aside_and_the_others_are_done(personalize, hospital, tmp_path):
    configure(tmp_path, hospital, "debounce = 0\nbackoff = 0\nattempts = 2")
    config = load()
    with Queue.open(tmp_path / "catalog.sqlite", None, config.jobs) as queue:
        queue.ask("hospital", "patient", ["Patient/p0", "Patient/p1", "Patient/p2"])

        def carry_out(claims):
            [claim] = claims
            if claim.patient == "Patient/p0":
                raise PersonalizeError("its data cannot be read")
            if claim.patient == "Patient/p1":
                raise ZeroDivisionError

        ended = []
        worker = Worker(queue, working.configured(config), config.jobs, carry_out, lambda _, how: ended.append(how))
        worker.until_idle()
        assert sorted(ended) == ["aside", "aside", "done", "failed", "failed"]
        assert {each["said"] for each in queue.aside("hospital")} == {
            "its data cannot be read",
            "a mistake of ours: ZeroDivisionError",
        }


def test_many_that_are_due_are_a_few_runs(personalize, hospital, tmp_path):
    """Twelve, of whom six are not there."""
    ask(personalize, *[f"p{n}" for n in range(12)])
    assert personalize("worker", "--once").code == 0
    assert panels(hospital) == {f"Patient/p{n}": [1] for n in range(6)}
    assert len(list(tmp_path.glob("lake/raw/hospital/*"))) == 9  # three together, then two, and seven by themselves
    assert personalize("jobs", "list", "hospital", "--json").json["waiting"] == 0


def test_of_several_at_once_who_cannot_be_written_fails_alone(personalize, hospital, tmp_path):
    configure(tmp_path, hospital, "debounce = 0\nbackoff = 0\nattempts = 1")
    hospital.faults.replan(
        Faults.of('[[fault]]\nbody = "Patient/p0"\ndo = "status"\nstatus = 422\nmethod = "POST"\npath = "^$"').plan
    )
    ask(personalize, *[f"p{n}" for n in range(8)])
    assert personalize("worker", "--once").code == 0
    assert set(panels(hospital)) == {f"Patient/p{n}" for n in range(1, 6)}
    listed = personalize("jobs", "list", "hospital", "--json").json
    assert [each["patient"] for each in listed["set_aside"]] == ["Patient/p0"]


def test_several_of_a_server_that_is_busy_are_put_off_and_it_is_asked_once(personalize, hospital):
    hospital.faults.replan(Faults.of('[[fault]]\ndo = "status"\nstatus = 503\nretry-after = "18000"').plan)
    ask(personalize, *[f"p{n}" for n in range(8)])
    assert personalize("worker", "--once").code == 0
    assert personalize("jobs", "list", "hospital", "--json").json["waiting"] == 8
    assert len(hospital.requests) == 7  # two together, and six by themselves


def test_what_was_set_aside_is_listed_and_tried_again(personalize, hospital, tmp_path):
    configure(tmp_path, hospital, "debounce = 0\nattempts = 1")
    ask(personalize, "p0")
    with working.queue(tmp_path / "lake", load()) as queue:
        assert queue.failed(queue.claim(["hospital"]), "refused")
    said = personalize("jobs", "list", "hospital")
    assert "patient Patient/p0: refused (1 tries)" in said.out
    assert personalize("jobs", "retry", "hospital", "p0", "--json").json == {"retried": 1}
    assert personalize("worker", "--once").code == 0
    assert list(panels(hospital)) == ["Patient/p0"]


def test_a_server_that_is_away_sets_nobody_aside(personalize, hospital, tmp_path):
    configure(tmp_path, hospital, "debounce = 0\nattempts = 1")
    (tmp_path / "personalize.toml").write_text(
        '[sources.hospital]\nurl = "http://127.0.0.1:1/fhir"\n[jobs]\ndebounce = 0\nattempts = 1\n'
    )
    ask(personalize, "p0")
    assert personalize("worker", "--once").code == 0
    listed = personalize("jobs", "list", "hospital", "--json").json
    assert (listed["waiting"], listed["aside"]) == (1, 0)


def test_sigterm_ends_the_job_under_way_and_begins_no_other(personalize, hospital, tmp_path):
    ask(personalize, "p0", "p1", "p2")
    started, told = process(tmp_path, "worker"), []

    def end(method, path, body):
        if "Encounter" in path and not told:
            told.append(path)
            started.terminate()

    hospital.before = end
    assert finished(started) == 0
    assert len(panels(hospital)) == 1
    assert personalize("jobs", "list", "hospital", "--json").json["waiting"] == 2


def test_polling_finds_who_changed_and_derives_them_alone(personalize, hospital, tmp_path):
    configure(tmp_path, hospital, more="overlap = 0")
    with working.queue(tmp_path / "lake", load()) as queue:
        queue.ask("hospital", "changes", at_once=True)
    assert personalize("worker", "--once").code == 0
    assert len(panels(hospital)) == 6  # the first look knows no earlier one
    time.sleep(1.1)  # the clock of FHIR's servers has whole seconds
    with working.queue(tmp_path / "lake", load()) as queue:
        queue.ask("hospital", "changes", at_once=True)
    assert personalize("worker", "--once").code == 0
    came(hospital, "p3", 7)
    with working.queue(tmp_path / "lake", load()) as queue:
        queue.ask("hospital", "changes", at_once=True)
        assert set(rows(queue)) == {""}
    assert personalize("worker", "--once").code == 0
    assert {who for who, versions in panels(hospital).items() if versions == [2]} == {"Patient/p3"}


def test_jobs_are_about_configured_sources_alone(personalize, tmp_path):
    said = personalize("jobs", "ask", "http://127.0.0.1:1/fhir", "p0")
    assert said.code == 2
    assert "configured sources alone" in said.err
    assert not (tmp_path / "lake").exists()


def test_nothing_is_written_where_the_settings_do_not_say_so(personalize, hospital, tmp_path):
    (tmp_path / "personalize.toml").write_text(f'[sources.hospital]\nurl = "{hospital.url}"\n[jobs]\ndebounce = 0\n')
    ask(personalize, "p0")
    assert personalize("worker", "--once").code == 0
    assert hospital.writes == []
    assert len(list(tmp_path.glob("lake/plans/hospital/*.ndjson"))) == 1
