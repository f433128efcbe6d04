"""A server is asked to tell what changes: planned first, each Subscription with an end and a secret, and taken back."""

import json
import time

import pytest
from job_queues import rows

from service import working
from service.settings import load
from service.subscriptions.kept import Kept, digest_of


@pytest.fixture
def hospital(sandbox, tmp_path):
    configure(tmp_path, sandbox.url)
    return sandbox


def configure(folder, url, more="", serve="port = 8000"):
    (folder / "personalize.toml").write_text(
        f'installation = "here"\n[sources.hospital]\nurl = "{url}"\n{more}\n[serve]\n{serve}\n[jobs]\ndebounce = 0\n'
    )


def standing(sandbox):
    found = [each for each in sandbox.versions() if each.startswith("Subscription/")]
    return {each: json.loads(sandbox.store.read(*each.split("/")).body) for each in found}


def test_nothing_is_sent_unless_told_to(personalize, hospital):
    said = personalize("subscribe", "hospital")
    assert said.code == 0, said.err
    assert "create   Encounter?" in said.out
    assert "nothing was sent" in said.out
    assert hospital.writes == []
    assert standing(hospital) == {}


def test_each_has_an_end_a_reason_a_secret_of_its_own_and_no_payload(personalize, hospital, tmp_path):
    assert personalize("subscribe", "hospital", "--apply").code == 0
    made = list(standing(hospital).values())
    assert sorted(each["criteria"] for each in made) == ["Claim?", "Encounter?", "ExplanationOfBenefit?"]
    for each in made:
        assert each["status"] == "requested"
        assert each["reason"]
        assert each["end"] > time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        assert each["channel"]["type"] == "rest-hook"
        assert "payload" not in each["channel"]
        assert each["channel"]["endpoint"].startswith("http://127.0.0.1:8000/notify/")
    secrets = {each["channel"]["header"][0].removeprefix("Authorization: Bearer ") for each in made}
    assert len(secrets) == 3
    with working.queue(tmp_path / "lake", load()) as queue:
        kept = Kept(queue.engine).of("hospital", hospital.url)
    assert {each.digest for each in kept} == {digest_of(each) for each in secrets}
    assert {each.theirs for each in kept} == set(standing(hospital))
    told = b"".join(path.read_bytes() for path in (tmp_path / "lake").glob("catalog*"))
    assert not any(secret.encode() in told for secret in secrets)


def test_a_second_time_nothing_changes_and_all_are_taken_back(personalize, hospital):
    personalize("subscribe", "hospital", "--apply")
    before = hospital.versions()
    said = personalize("subscribe", "hospital", "--apply", "--json").json
    assert {each["action"] for each in said["subscriptions"]} == {"keep"}
    assert hospital.versions() == before
    assert personalize("unsubscribe", "hospital").code == 0
    assert hospital.versions() == before
    assert personalize("unsubscribe", "hospital", "--apply").code == 0
    assert standing(hospital) == {}
    assert personalize("unsubscribe", "hospital", "--json").json["subscriptions"] == []


def test_before_its_end_a_worker_puts_another_in_its_place(personalize, hospital, tmp_path):
    personalize("subscribe", "hospital", "--apply")
    before = standing(hospital)
    configure(tmp_path, hospital.url, "notify_days = 30")
    assert personalize("worker", "--once").code == 0
    after = standing(hospital)
    assert len(after) == 3
    assert not set(before) & set(after)
    assert min(each["end"] for each in after.values()) > max(each["end"] for each in before.values())
    assert personalize("worker", "--once").code == 0
    assert standing(hospital) == after
    with working.queue(tmp_path / "lake", load()) as queue:
        assert rows(queue) == {}


def test_what_was_never_asked_for_is_not_renewed(personalize, hospital, tmp_path):
    assert personalize("worker", "--once").code == 0
    assert standing(hospital) == {}


def test_one_whose_answer_was_lost_is_found_and_replaced(personalize, misbehaving, tmp_path):
    sandbox = misbehaving('[[fault]]\ndo = "drop-after"\nmethod = "POST"\npath = "^Subscription"\nnth = 1')
    configure(tmp_path, sandbox.url)
    assert personalize("subscribe", "hospital", "--apply").code == 1
    assert len(standing(sandbox)) == 1
    assert personalize("subscribe", "hospital", "--apply").code == 0
    assert sorted(each["criteria"] for each in standing(sandbox).values()) == [
        "Claim?", "Encounter?", "ExplanationOfBenefit?",
    ]  # fmt: skip


TOPIC = 'notify_topics = ["http://hospital.example/topic"]\nnotify_content = "id-only"'


def test_by_the_backport_the_criteria_are_a_topic(personalize, hospital, tmp_path):
    configure(tmp_path, hospital.url, TOPIC)
    assert personalize("subscribe", "hospital", "--apply").code == 0
    [made] = standing(hospital).values()
    assert made["criteria"] == "http://hospital.example/topic"
    assert made["meta"]["profile"][0].endswith("/backport-subscription")
    assert made["channel"]["payload"] == "application/fhir+json"
    [said] = made["channel"]["_payload"]["extension"]
    assert said["valueCode"] == "id-only"


def test_in_r5_a_topic_is_needed_and_all_is_said_in_its_words(personalize, tmp_path):
    from service.sandbox import running

    with running(patients=0, fhir="r5") as sandbox:
        configure(tmp_path, sandbox.url)
        said = personalize("subscribe", "hospital", "--apply")
        assert (said.code, standing(sandbox)) == (2, {})
        assert "notify_topics" in said.err
        configure(tmp_path, sandbox.url, TOPIC)
        assert personalize("subscribe", "hospital", "--apply").code == 0
        [made] = standing(sandbox).values()
    assert (made["topic"], made["content"]) == ("http://hospital.example/topic", "id-only")
    assert made["parameter"][0]["name"] == "Authorization"
    assert "criteria" not in made


@pytest.mark.parametrize("serve", ['url = "http://service.example.org"', "port = 0"])
def test_where_we_could_not_be_reached_safely_nothing_is_asked_for(personalize, hospital, tmp_path, serve):
    configure(tmp_path, hospital.url, serve=serve)
    said = personalize("subscribe", "hospital", "--apply")
    assert said.code == 2
    assert "https" in said.err
    assert hospital.writes == []


def test_only_a_configured_source_is_asked(personalize, hospital):
    said = personalize("subscribe", "http://127.0.0.1:9/fhir", "--apply")
    assert said.code == 2
    assert "configured" in said.err


def test_what_is_looked_for_first_is_what_came_since_it_was_asked_for(personalize, hospital, tmp_path):
    """A notification on a lake that never read all of the source does not make it read all of the source."""
    assert personalize("subscribe", "hospital", "--apply").code == 0
    with working.queue(tmp_path / "lake", load()) as queue:
        queue.ask("hospital", "changes", at_once=True)
    assert personalize("worker", "--once").code == 0
    with working.queue(tmp_path / "lake", load()) as queue:
        assert rows(queue) == {}
    assert not list(tmp_path.glob("lake/raw/hospital/*"))
