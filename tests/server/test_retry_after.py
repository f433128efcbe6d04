"""How long a server asks us to stay away, in every form that was seen on one."""

import datetime as dt
from email.utils import format_datetime

import httpx
import pytest

from service.server.answers import retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": " 18000 "}, 18_000),
        ({"Retry-After": "0"}, 0),
        ({"x-ms-retry-after-ms": "1500"}, 1.5),
        ({"x-ms-retry-after-ms": "250", "Retry-After": "1"}, 0.25),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-3"}, None),
        ({}, None),
    ],
)
def test_seconds_milliseconds_a_date_or_nothing(headers, seconds):
    assert retry_after(httpx.Headers(headers)) == seconds


def test_a_date_to_come():
    then = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=2)
    wait = retry_after(httpx.Headers({"Retry-After": format_datetime(then, usegmt=True)}))
    assert 100 < wait <= 120
