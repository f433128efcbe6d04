"""Profiles that several servers share through Redis: faster or slower, but never another answer than the file's."""

import datetime as dt
import json
import os
import signal
import time

import pytest
import redis
import redis_server
from facade_lake import BUSY, MORNING, OTHER, bearer, typed

from service.errors import WrongUsage
from service.facade.wiring import wired
from service.jobs.cache import answers_about

SHARED = 'auth = "off"\nshare_profiles = 600'
PROFILE = f"Patient/{BUSY}/$personalization-profile"
KEYS = answers_about("clinic") + "*"


@pytest.fixture
def own_redis(tmp_path, monkeypatch, real_redis):
    with redis_server.started(tmp_path) as (process, url):
        monkeypatch.setenv("PERSONALIZE_REDIS_URL", url)
        with redis.Redis.from_url(url) as direct:
            yield process, direct


@pytest.fixture
def share(own_redis, served, tmp_path):
    """Servers over one lake, whose file has been as it is for a while."""

    def servers(count=2, **more):
        started = [served(**({"toml": SHARED} | more)) for _ in range(count)]
        settled(tmp_path)
        return started

    return servers


def settled(folder):
    """As if it had been written an hour ago."""
    file, before = folder / "lake" / "served" / "clinic.sqlite", time.time() - 3600
    os.utime(file, (before, before))


def looked_up(http):
    """(found, not found) in Redis."""
    text = http.get(f"{http.root}/metrics").text
    told = [line.rpartition(" ") for line in text.splitlines() if line.startswith("personalize_shared_profiles_total")]
    counts = {name: float(value) for name, _, value in told}
    return tuple(counts.get(f'personalize_shared_profiles_total{{found="{word}"}}', 0) for word in ("yes", "no"))


def view(http, patient=BUSY):
    context = {"userId": "Practitioner/1", "patientId": patient}
    told = {"hook": "patient-view", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "context": context}
    return http.post(f"{http.root}/cds-services/personalization-patient-view", json=told)


def cards(answer):
    """What they say; their links name the server."""
    return [card["summary"] for card in answer.json()["cards"]]


def test_what_one_server_read_another_answers_from_redis(share, own_redis):
    first, second = share()
    asked = [PROFILE, f"Patient/{BUSY}", f"Observation/{first.get(PROFILE).json()['id']}"]
    by_first, by_second = [[http.get(path) for path in asked] for http in (first, second)]
    assert [each.content for each in by_first] == [each.content for each in by_second]
    assert [each.headers["etag"] for each in by_first] == [each.headers["etag"] for each in by_second]
    assert cards(view(first)) == cards(view(second)) != []
    assert looked_up(first) == (1, 4)
    assert looked_up(second) == (4, 0)
    assert len(own_redis[1].keys(KEYS)) == 4


def test_it_is_kept_for_so_long(share, own_redis):
    [http] = share(1)
    http.get(PROFILE)
    [key] = own_redis[1].keys(KEYS)
    assert 500 < own_redis[1].ttl(key) <= 600


def test_redis_is_told_nothing_that_it_could_read(share, own_redis):
    [http] = share(1)
    body = http.get(PROFILE).json()
    view(http)
    [*keys] = own_redis[1].keys("*")
    everything = b"".join([*keys, *(own_redis[1].get(key) for key in own_redis[1].keys(KEYS))])
    assert len(keys) == 4  # two answers, and how much was asked by whom
    assert not [word for word in (BUSY, body["id"], "Observation") if word.encode() in everything]


def test_who_writes_into_redis_changes_no_answer(share, own_redis, capfd):
    [http] = share(1)
    was, other = http.get(PROFILE), http.get(f"Patient/{OTHER}/$personalization-profile")
    one, two = own_redis[1].keys(KEYS)
    told = own_redis[1].get(one), own_redis[1].get(two)
    own_redis[1].set(one, told[1])
    own_redis[1].set(two, told[0][:-1] + b"x")
    assert http.get(PROFILE).content == was.content
    assert http.get(f"Patient/{OTHER}/$personalization-profile").content == other.content
    assert looked_up(http) == (0, 4)
    assert "is not ours" in capfd.readouterr().err


@pytest.mark.parametrize("how", ["flushed", signal.SIGKILL, signal.SIGSTOP])
def test_without_what_it_held_everything_is_answered(share, own_redis, how):
    first, second = share()
    was = first.get(PROFILE).content
    if how == "flushed":
        own_redis[1].flushall()
    else:
        own_redis[0].send_signal(how)
    assert [http.get(PROFILE).content for http in (first, second, first)] == [was] * 3
    assert cards(view(second))


def test_a_review_counts_at_once_whatever_redis_holds(share, tmp_path, monkeypatch):
    first, second = share()
    assert [http.get(PROFILE).status_code for http in (first, second)] == [200, 200]
    typed(monkeypatch, "review", "decline", "clinic", BUSY, "--by", "Dr. A", "--reason", "not so")
    first.wiring.refresh()
    assert [http.get(PROFILE).status_code for http in (first, second)] == [404, 404]
    settled(tmp_path)
    assert [http.get(PROFILE).status_code for http in (first, second)] == [404, 404]


def test_just_after_a_change_nothing_is_shared(own_redis, served):
    """The next change could come within the same tick of the clock that files are dated by."""
    http = served(SHARED)
    http.get(PROFILE)
    assert looked_up(http) == (0, 0)
    assert not own_redis[1].keys(KEYS)


def test_it_lapses_as_in_the_file(share):
    clock = [MORNING]
    [http] = share(1, now=lambda: clock[0])
    http.get(PROFILE)
    assert b"pathway" in http.get(f"Patient/{BUSY}").content
    clock[0] += dt.timedelta(days=90)
    assert http.get(PROFILE).status_code == 404
    assert b"pathway" not in http.get(f"Patient/{BUSY}").content
    assert view(http).json()["cards"] == []


def test_what_one_may_see_is_no_answer_for_another(share, authority):
    [http] = share(1, toml="share_profiles = 600", tables=authority.settings(audience="shared"))
    own, other = (
        bearer(authority.token("shared", "patient/*.rs", alg="ES384", patient=each, client_id=each))
        for each in (BUSY, OTHER)
    )
    panel = http.get(PROFILE, headers=own).json()["id"]
    for path in (PROFILE, f"Observation/{panel}", f"Patient/{BUSY}"):
        assert http.get(path, headers=own).status_code == 200
        assert http.get(path, headers=other).status_code in (403, 404)
    assert http.get(PROFILE).status_code == 401


def test_without_a_redis_to_share_through_it_does_not_start(hospital, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "personalize.toml").write_text(
        f"[sources.clinic]\nurl = {json.dumps(hospital[1])}\n[serve]\nshare_profiles = 60\n"
    )
    with pytest.raises(WrongUsage, match="Redis"):
        wired(hospital[0] / "lake", None)._shared()
