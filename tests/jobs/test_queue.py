"""Whose turn it is: in the lake's own catalog and in a shared one, by the catalog's own clock."""

import concurrent.futures
import datetime as dt

import pytest
import sqlalchemy as sa
from job_queues import PATIENTLY, later, rows

from service.errors import LeaseLost
from service.jobs import schedule
from service.jobs.queue import Queue
from service.settings import Source

HERE = ["hospital"]


@pytest.fixture(params=["file", "postgresql"])
def queue(request, tmp_path):
    url = request.getfixturevalue("empty_postgres") if request.param == "postgresql" else None
    with Queue.open(tmp_path / "catalog.sqlite", url, PATIENTLY) as opened:
        yield opened


def test_fifty_events_are_one_job_that_waits_for_the_last(queue):
    for _ in range(50):
        queue.ask("hospital", "patient", ["Patient/1"])
    assert queue.counts("hospital").waiting == 1
    later(queue, 50)
    queue.ask("hospital", "patient", ["Patient/1"])
    later(queue, 50)
    assert queue.claim(HERE) is None
    later(queue, 50)
    assert queue.claim(HERE).asked == 51
    assert queue.claim(HERE) is None


def test_who_keeps_changing_is_derived_all_the_same(queue):
    for _ in range(13):
        queue.ask("hospital", "patient", ["Patient/1"])
        later(queue, 50)
    assert queue.claim(HERE).patient == "Patient/1"


def test_what_is_asked_for_under_way_is_done_once_more(queue):
    queue.ask("hospital", "patient", ["Patient/1"], at_once=True)
    claim = queue.claim(HERE)
    queue.ask("hospital", "patient", ["Patient/1"])
    assert queue.claim(HERE) is None
    queue.done(claim)
    assert queue.counts("hospital").waiting == 1
    later(queue, 100)
    queue.done(queue.claim(HERE))
    assert rows(queue) == {}


def test_who_was_given_up_is_refused_by_the_number_of_the_claim(queue):
    queue.ask("hospital", "patient", ["Patient/1"], at_once=True)
    first = queue.claim(HERE)
    later(queue, 700)
    second = queue.claim(HERE)
    assert second.fence > first.fence
    with pytest.raises(LeaseLost, match="another worker"), queue.engine.begin() as tx:
        queue.guard([first])(tx)
    assert not queue.renew(first)
    queue.done(first)
    assert not queue.failed(first, "too late")
    with queue.engine.begin() as tx:
        queue.guard([second])(tx)
    queue.done(second)
    assert rows(queue) == {}


def test_a_number_never_comes_back(queue):
    seen = []
    for _ in range(3):
        queue.ask("hospital", "patient", ["Patient/1"], at_once=True)
        claim = queue.claim(HERE)
        seen.append(claim.fence)
        queue.done(claim)
    assert seen == sorted(set(seen))


def test_what_fails_waits_longer_each_time_and_is_then_set_aside_and_seen(queue):
    queue.ask("hospital", "patient", ["Patient/1"], at_once=True)
    for wait in (60, 120):
        assert not queue.failed(queue.claim(HERE), "refused")
        later(queue, wait - 20)
        assert queue.claim(HERE) is None
        later(queue, 40)
    assert queue.failed(queue.claim(HERE), "refused")
    later(queue, 9_000)
    assert queue.claim(HERE) is None
    assert queue.aside("hospital") == [{"kind": "patient", "patient": "Patient/1", "tries": 3, "said": "refused"}]
    assert queue.counts("hospital").aside == 1


def test_what_was_set_aside_is_tried_again_when_told_to_or_once_when_it_changes(queue):
    queue.ask("hospital", "patient", ["Patient/1", "Patient/2"], at_once=True)
    for _ in range(6):
        queue.failed(queue.claim(HERE), "refused")
        later(queue, 900)
    assert queue.retry("hospital", "Patient/1") == 1
    assert queue.claim(HERE).tries == 1
    queue.ask("hospital", "patient", ["Patient/2"], at_once=True)
    assert queue.failed(queue.claim(HERE), "still refused")
    assert [each["patient"] for each in queue.aside("hospital")] == ["Patient/2"]


def test_what_ends_its_worker_without_a_word_is_set_aside_too(queue):
    queue.ask("hospital", "patient", ["Patient/1"], at_once=True)
    for _ in range(3):
        assert queue.set_aside_the_deadly() == 0
        assert queue.claim(HERE) is not None
        later(queue, 700)
    assert queue.claim(HERE) is None
    assert queue.set_aside_the_deadly() == 1
    assert queue.aside("hospital")[0]["said"] == "its worker ended without a word, 3 times"


def test_what_is_put_off_counts_as_no_try(queue):
    queue.ask("hospital", "patient", ["Patient/1"], at_once=True)
    for _ in range(5):
        queue.put_off(queue.claim(HERE), "the server is down", 60)
        later(queue, 61)
    assert queue.claim(HERE).tries == 1


def test_many_who_claim_at_once_get_one_each(queue):
    queue.ask("hospital", "patient", [f"Patient/{n}" for n in range(20)], at_once=True)
    with concurrent.futures.ThreadPoolExecutor(8) as crew:
        claims = [each for each in crew.map(lambda _: queue.claim(HERE), range(30)) if each]
    assert len({each.patient for each in claims}) == len(claims) == 20
    assert len({each.fence for each in claims}) == 20


def test_of_many_that_are_due_a_fourth_is_claimed_at_once_and_no_more_than_asked(queue):
    queue.ask("clinic", "patient", [f"Patient/{n}" for n in range(40)], at_once=True)
    queue.ask("hospital", "patient", [f"Patient/{n}" for n in range(20)], at_once=True)
    queue.ask("hospital", "incremental", at_once=True)
    assert [len(queue.claim_some(HERE, 4)) for _ in range(5)] == [4, 4, 3, 2, 1]
    claims = [each for _ in range(12) for each in queue.claim_some(HERE, 4)]
    assert len(claims) == 7
    assert {each.source for each in claims} == {"hospital"}
    assert [each.kind for each in claims].count("incremental") == 1


def test_who_was_tried_before_is_claimed_alone(queue):
    """One of several may have ended their worker, and nobody knows which."""
    queue.ask("hospital", "patient", [f"Patient/{n}" for n in range(8)], at_once=True)
    killed = queue.claim_some(HERE, 4)
    assert len(killed) == 2
    later(queue, 700)
    claims = [queue.claim_some(HERE, 4) for _ in range(8)]
    assert [len(each) for each in claims if each[0].tries == 2] == [1, 1]


def test_of_several_one_that_was_taken_over_refuses_them_all(queue):
    queue.ask("hospital", "patient", [f"Patient/{n}" for n in range(8)], at_once=True)
    several = queue.claim_some(HERE, 2)
    later(queue, 700)
    queue.renew(several[1])
    assert queue.claim(HERE).patient == several[0].patient
    with pytest.raises(LeaseLost, match="another worker"), queue.engine.begin() as tx:
        queue.guard(several)(tx)
    with queue.engine.begin() as tx:
        queue.guard(several[1:])(tx)


def test_another_source_is_another_patient(queue):
    queue.ask("clinic", "patient", ["Patient/1"], at_once=True)
    assert queue.claim(HERE) is None
    assert queue.claim(["clinic"]).source == "clinic"


NIGHTLY = Source(url="http://127.0.0.1:1/fhir", name="hospital", full_at="30 2 * * *", time_zone="Europe/Zurich")


def test_a_schedule_makes_a_run_due_once_however_many_look(queue):
    schedule.look(queue, [NIGHTLY])
    assert rows(queue) == {}
    later(queue, 3 * 86_400)  # nobody looked for three nights
    with concurrent.futures.ThreadPoolExecutor(4) as crew:
        list(crew.map(lambda _: schedule.look(queue, [NIGHTLY]), range(4)))
    assert rows(queue)[""]["asked"] == 1
    assert queue.claim(HERE).kind == "full"
    schedule.look(queue, [NIGHTLY])
    assert rows(queue)[""]["asked"] == 1


def test_a_schedule_is_read_by_the_clock_of_the_source():
    noon = dt.datetime(2026, 3, 28, 12, tzinfo=dt.UTC).timestamp()
    following = schedule.following(NIGHTLY.full_at, NIGHTLY, noon)
    # The night in which the clocks in Zurich leave 2:30 out.
    assert dt.datetime.fromtimestamp(following, dt.UTC).isoformat() == "2026-03-29T01:00:00+00:00"


def test_a_schedule_that_is_changed_or_taken_away_counts_no_more(queue):
    schedule.look(queue, [NIGHTLY])
    other = NIGHTLY.model_copy(update={"full_at": "0 4 * * *"})
    later(queue, 86_400 * 2)
    schedule.look(queue, [other])
    assert rows(queue) == {}
    later(queue, 86_400 * 2)
    schedule.look(queue, [NIGHTLY.model_copy(update={"full_at": ""})])
    assert rows(queue) == {}


def test_a_catalog_that_was_away_is_waited_for(real_postgres, empty_postgres, tmp_path):
    with Queue.open(tmp_path / "none", empty_postgres, PATIENTLY) as queue:
        queue.ask("hospital", "patient", ["Patient/1"], at_once=True)
        real_postgres.end()
        with pytest.raises(sa.exc.OperationalError):
            queue.claim(HERE)
        real_postgres.begin()
        assert queue.claim(HERE).patient == "Patient/1"
