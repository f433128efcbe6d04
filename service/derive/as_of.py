"""`--as-of` in, the instant at which every window ends out."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from service.errors import WrongUsage

LATEST = "latest"


def as_of_instant(
    asked: str | None, zone: ZoneInfo, *, latest_start: dt.datetime | None, now: dt.datetime
) -> dt.datetime:
    """UTC. Nothing asked: the last midnight in the source's zone; `latest`: the first midnight after the latest start.

    `latest_start` is the latest visit's start that is not later than the server's clock; a visit in 2099 never counts.
    """
    if asked is None:
        return _midnight(now.astimezone(zone).date(), zone)
    if asked == LATEST:
        day = (latest_start or now).astimezone(zone).date()
        return _midnight(day + dt.timedelta(days=1 if latest_start else 0), zone)
    return _instant(asked, zone)


def _instant(asked: str, zone: ZoneInfo) -> dt.datetime:
    """A date is its midnight in the source's zone; an instant needs its own offset."""
    try:
        if not "1900" <= asked[:4] <= "9000":  # a window must fit before it, and time zones around it
            raise ValueError
        if len(asked) == len("2026-07-01"):
            return _midnight(dt.date.fromisoformat(asked), zone)
        instant = dt.datetime.fromisoformat(asked)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise WrongUsage(
            f"--as-of {asked!r} is no date", do="write 2026-07-01, 2026-07-01T00:00:00+02:00, or latest"
        ) from None
    return instant.astimezone(dt.UTC)


def _midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)
