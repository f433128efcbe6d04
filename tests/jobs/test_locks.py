"""One run at a time on a source, whoever holds it: a file of the lake, or a Redis that several machines share."""

import subprocess
import sys
import time

import pytest

from service.errors import LakeProblem, WrongUsage
from service.jobs import leases, locks


@pytest.fixture(params=["embedded", "redis"])
def redis_url(request):
    return request.getfixturevalue("real_redis") if request.param == "redis" else None


def test_the_second_to_come_is_told_to_wait(tmp_path, redis_url):
    with (
        locks.held("hospital", tmp_path, redis_url),
        pytest.raises(LakeProblem, match=r"another run is at work on hospital.*Wait until it has ended"),
        locks.held("hospital", tmp_path, redis_url),
    ):
        pass
    with locks.held("hospital", tmp_path, redis_url):
        pass


def test_other_sources_are_free(tmp_path, redis_url):
    with locks.held("hospital", tmp_path, redis_url), locks.held("clinic", tmp_path, redis_url):
        pass


def test_a_killed_holder_leaves_no_lock_behind(tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from service.jobs import locks\n"
        "with locks.held('hospital', Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    holder.kill()
    holder.wait()
    with locks.held("hospital", tmp_path):
        pass


def test_a_lease_outlives_its_span_while_the_holder_works(tmp_path, real_redis, monkeypatch):
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.3)
    with locks.held("hospital", tmp_path, real_redis):
        time.sleep(0.8)
        with pytest.raises(LakeProblem), locks.held("hospital", tmp_path, real_redis):
            pass


def test_redis_off_this_machine_needs_tls_and_a_password(tmp_path):
    for url in ("redis://redis.example.org", "rediss://redis.example.org"):
        with pytest.raises(WrongUsage, match="rediss:// with a password"), locks.held("hospital", tmp_path, url):
            pass


def test_a_block_that_fails_frees_the_lock(tmp_path, redis_url):
    with pytest.raises(RuntimeError), locks.held("hospital", tmp_path, redis_url):
        raise RuntimeError
    with locks.held("hospital", tmp_path, redis_url):
        pass
