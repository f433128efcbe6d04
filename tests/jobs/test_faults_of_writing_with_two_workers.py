"""Faults 2 to 8, 19, 21, 22, 24 and 25, of writing and of jobs, with two workers that write what they derived: each
patient has one profile, a clean run's, and no version is written that says nothing new."""

import signal

import httpx
import pytest
import redis_server
from always import came, until
from facade.test_notifications import PROOF, SECRET, r5, visit
from two_workers import PEOPLE, at, gone, house, panels, person, reading, writing

from service.facade.server import running as serving
from service.facade.wiring import wired
from service.subscriptions.kept import Kept, Subscription, digest_of

PATIENTS = 'write = "patient"'
NO_TRANSACTION = 'no = ["transaction"]\n'
CLINICS = {
    **dict.fromkeys(
        ("killed", "lost", "stopped", "woken", "first", "conflict", "changed", "partly", "redis", "drained", "newer"),
        ("", PATIENTS),
    ),
    "batch": (NO_TRANSACTION, f"{PATIENTS}\nmax_failures = 1"),
    **dict.fromkeys(("deleted", "merged"), ("", f"{PATIENTS}\nmax_removals = 1")),
    "told": ("", "overlap = 0"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("writing")
    with redis_server.restartable(folder) as redis, house(folder, CLINICS, f'redis_url = "{redis.url}"') as opened:
        opened.redis = redis
        yield opened


@pytest.fixture
def clinic(place):
    return place.clinics.__getitem__


def test_killed_between_a_write_and_its_record(place, clinic):
    """Fault 2: both die as soon as the server has done what one of them sent."""
    killed = clinic("killed")
    killed.goes_wrong('[[fault]]\ndo = "drop-after"\nmethod = "POST"\npath = "^$"\nnth = 1')
    killed.server.faults.carried_out = lambda _fault: place.send(signal.SIGKILL)
    killed.ask("p0")
    for each in place.workers:
        each.join(240)
        assert each.exitcode == -signal.SIGKILL
    place.replaced()
    killed.ask(*PEOPLE[1:])
    killed.ends_as_a_clean_run()


def test_answers_are_lost(clinic):
    """Fault 3."""
    clinic("lost").goes_wrong('[[fault]]\ndo = "drop-after"\nmethod = "POST"\npath = "^$"\nevery = 2')
    clinic("lost").ask(*PEOPLE)
    clinic("lost").ends_as_a_clean_run()


@pytest.mark.parametrize(("name", "moment"), [("stopped", reading("Encounter")), ("woken", writing)])
def test_one_is_given_up_and_wakes_when_the_other_has_done_its_job(place, clinic, name, moment):
    """Fault 4: stopped while it reads, or with its write on its way."""
    same, (one, other) = clinic(name), place.workers

    def handed_over():
        place.send(signal.SIGSTOP, one)
        same.later(10)
        place.send(signal.SIGCONT, other)

    same.server.before = at(moment, (1, handed_over))
    place.send(signal.SIGSTOP, other)
    same.ask("p0")
    until(lambda: panels(same.server) and not same.rows())
    place.send(signal.SIGCONT, one)
    same.ask(*PEOPLE[1:])
    same.ends_as_a_clean_run()


def test_all_are_written_for_the_first_time_by_both_at_once(clinic):
    """Fault 5: one writes all, the other each by itself."""
    clinic("first").ask(*PEOPLE, every="full")
    clinic("first").ends_as_a_clean_run()


@pytest.mark.parametrize(("name", "status"), [("conflict", 409), ("changed", 412)])
def test_a_storm_sets_one_aside_and_the_others_are_done(place, clinic, name, status):
    """Fault 6."""
    storm = clinic(name)
    storm.goes_wrong(f'[[fault]]\nmethod = "POST"\npath = "^$"\nbody = "Patient/p1"\ndo = "status"\nstatus = {status}')
    storm.ask(*PEOPLE)
    aside = storm.set_aside()
    assert list(aside) == ["Patient/p1"]
    assert "not written" in aside["Patient/p1"]
    assert len(panels(storm.server)) == 2
    storm.mended()
    assert place.queue.retry(name, "Patient/p1") == 1
    storm.ends_as_a_clean_run()


def test_entries_of_batches_are_refused_and_fail(clinic):
    """Fault 7."""
    entry = '[[fault]]\nentry = "^{}/"\nfirst = 2\ndo = "status"\nstatus = {}\n'
    clinic("batch").goes_wrong(NO_TRANSACTION + entry.format("Observation", 500) + entry.format("Provenance", 422))
    clinic("batch").ask(*PEOPLE)
    clinic("batch").ends_as_a_clean_run()


def test_transactions_fail_after_a_part_was_done(clinic):
    """Fault 8."""
    clinic("partly").goes_wrong('[[fault]]\nmethod = "POST"\npath = "^$"\ndo = "partial"\nentries = 1\nfirst = 3')
    clinic("partly").ask(*PEOPLE)
    clinic("partly").ends_as_a_clean_run()


def test_one_is_deleted_and_comes_back(clinic):
    """Fault 19."""
    deleted = clinic("deleted")
    deleted.ask(every="full")
    deleted.drained()
    gone(deleted.server, "Encounter/p0-0", "Patient/p0")
    deleted.ask("p0", every="full")
    deleted.drained()
    assert sorted(panels(deleted.server)) == [f"Patient/{each}" for each in PEOPLE[1:]]
    person(deleted.server, "p0")
    came(deleted.server, "p0", 1)
    deleted.ask("p0", every="full")
    deleted.ends_as_a_clean_run()


def test_two_are_merged(clinic):
    """Fault 24."""
    merged = clinic("merged")
    merged.ask(every="full")
    merged.drained()
    link = {"other": {"reference": "Patient/p0"}, "type": "replaced-by"}
    person(merged.server, "p1", active=False, link=[link])
    merged.ask("p0", "p1", every="full")
    merged.drained()
    assert sorted(panels(merged.server)) == ["Patient/p0", "Patient/p2"]
    merged.ends_as_a_clean_run()


def test_notifications_come_twice_in_disorder_and_not_at_all(place, clinic):
    """Fault 21: the second is lost, and the first comes three times, once after the third."""
    told = clinic("told")
    told.ask(every="full")
    told.drained()
    Kept(place.queue.engine).keep(
        Subscription("one", "told", told.server.url, "r5", "t", "Subscription/1", digest_of(SECRET), "active", 4e9)
    )
    for each in PEOPLE:
        came(told.server, each, 14)
    with serving(wired(place.folder / "lake", "told", port=0)) as served:
        root = served.base.removesuffix("/fhir")
        for number in (1, 1, 3, 1):
            body = r5(total=number, numbers=[number], resources=[visit(f"Patient/{PEOPLE[number - 1]}", f"e{number}")])
            assert httpx.post(f"{root}/notify/one", json=body, headers=PROOF, timeout=30).status_code == 200
        told.ends_as_a_clean_run()


def test_redis_is_flushed_and_begun_again(place, clinic):
    """Fault 22."""
    over = clinic("redis")
    over.server.before = at(reading("Encounter"), (1, place.redis.flush), (3, place.redis.again))
    over.ask(*PEOPLE, every="full")
    over.ends_as_a_clean_run()


def test_one_is_told_to_end_and_another_begins(place, clinic):
    """Fault 25: a deploy. The job under way is ended first, and nothing is done twice."""
    drained, (one, _) = clinic("drained"), place.workers
    drained.server.before = at(reading("Encounter"), (1, one.terminate))
    drained.ask(*PEOPLE)
    one.join(240)
    assert one.exitcode == 0
    place.replaced()
    drained.ends_as_a_clean_run()


def test_an_older_worker_leaves_what_a_newer_one_wrote(place, clinic):
    """Fault 25: old and new side by side, whoever comes first to a patient."""
    newer, older = clinic("newer"), place.workers
    place.send(signal.SIGSTOP)
    new = place.worker(version="0.9.9")
    newer.ask(*PEOPLE)
    newer.drained()
    stood = newer.server.versions()
    place.send(signal.SIGSTOP, new)
    place.send(signal.SIGCONT, *older)
    came(newer.server, "p0", 7)
    newer.ask(*PEOPLE)
    newer.drained()
    assert {each: version for each, version in newer.server.versions().items() if not each.startswith("Enc")} == {
        each: version for each, version in stood.items() if not each.startswith("Enc")
    }
    place.send(signal.SIGCONT, new)
    new.terminate()
    new.join(240)
    assert new.exitcode == 0
