"""How much a client may ask: counted by all servers together where there is a Redis, by each where there is none."""

import signal
import time

import pytest
import redis
import redis_server
from facade_lake import bearer

from service.errors import WrongUsage
from service.facade.wiring import wired

LIMIT = "requests_per_minute = 8"  # two at once


@pytest.fixture
def own_redis(tmp_path, monkeypatch, real_redis):
    """A Redis that may be stopped, and is named in the settings; (process, url)."""
    with redis_server.started(tmp_path) as (process, url):
        monkeypatch.setenv("PERSONALIZE_REDIS_URL", url)
        yield process, url


@pytest.fixture
def two(own_redis, served, authority):
    """Two servers over one lake, and the header of a client."""
    servers = [served(LIMIT, tables=authority.settings(audience="both")) for _ in range(2)]
    return servers, lambda client: bearer(authority.token("both", "system/*.rs", alg="ES384", client_id=client))


def statuses(servers, headers, times):
    return [servers[turn % len(servers)].get("Patient?_count=1", headers=headers).status_code for turn in range(times)]


def test_two_servers_count_together(two):
    servers, client = two
    assert statuses(servers, client("greedy"), 4) == [200] * 2 + [429] * 2
    assert statuses(servers, client("other"), 2) == [200] * 2


def test_failures_are_counted_together(two):
    servers, _ = two
    assert statuses(servers, bearer("wrong"), 4) == [401] * 2 + [429] * 2


def test_a_flushed_redis_lets_ask_anew_and_answers_all_the_while(two, own_redis):
    servers, client = two
    assert statuses(servers, client("greedy"), 3)[-1] == 429
    with redis.Redis.from_url(own_redis[1]) as direct:
        assert b"greedy" not in b"".join(direct.keys())
        direct.flushall()
    assert statuses(servers, client("greedy"), 3) == [200] * 2 + [429]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_without_redis_each_server_answers_and_counts_for_itself(two, own_redis, how, capfd):
    servers, client = two
    assert statuses(servers, client("early"), 2) == [200, 200]
    own_redis[0].send_signal(how)
    assert statuses(servers, client("late"), 6) == [200] * 4 + [429] * 2
    assert capfd.readouterr().err.count("Redis does not answer") >= 2


def test_a_redis_that_comes_back_is_asked_again(two, own_redis):
    servers, client = two
    own_redis[0].send_signal(signal.SIGSTOP)
    assert statuses(servers, client("a"), 2) == [200, 200]
    own_redis[0].send_signal(signal.SIGCONT)
    for each in servers:
        each.served.limits._shared.clock = lambda: time.monotonic() + 60
    assert statuses(servers, client("b"), 4) == [200] * 2 + [429] * 2


def test_off_this_machine_it_is_asked_by_tls_and_with_a_password_alone(hospital, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERSONALIZE_REDIS_URL", "redis://cache.hospital.example")
    (tmp_path / "personalize.toml").write_text(f'[sources.clinic]\nurl = "{hospital[1]}"\n')
    wiring = wired(hospital[0] / "lake", None)
    with pytest.raises(WrongUsage, match="rediss://"):
        wiring._shared()
