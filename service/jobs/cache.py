"""What Redis holds of a patient in, nothing of it out: profiles kept for a while, jobs about them."""

from __future__ import annotations

import re

import redis

from service.errors import WrongUsage
from service.jobs.leases import connect

OURS = "personalize:*"


def forget(redis_url: str, source: str, patient: str) -> int:
    """How many keys of ours named this patient of this source, and are gone; Patient/1 is not named by Patient/10.

    Answers of `serve` name nobody, so all of them about the source go: they are read again from the lake.
    """
    named = re.compile(rf"(?<![A-Za-z0-9.-]){re.escape(patient)}(?![A-Za-z0-9.-])")
    client = connect(redis_url)
    try:
        keys = [key for key in client.scan_iter(match=OURS, count=1_000) if _about(key.decode(), source, named)]
        return sum(client.delete(key) for key in keys)
    except redis.ConnectionError as error:
        raise WrongUsage(f"Redis cannot be reached: {error}", do="start it, or leave redis_url away") from error
    finally:
        client.close()


def answers_about(source: str) -> str:
    """How the keys of what `serve` shares of a source begin."""
    return f"personalize:profiles:{source}:"


def _about(key: str, source: str, named: re.Pattern[str]) -> bool:
    return key.startswith(answers_about(source)) or (source in key and named.search(key) is not None)
