"""A request in, made again while what went wrong may pass by itself; the last error out otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from service.errors import LostRace, NotFhir, Refused, ServerBusy, ServerProblem, Unreachable
from service.server.client import LONGEST_WAIT

TRIES = 4
PAUSE = 0.5


async def patiently(work: Callable[[], Awaitable[None]]) -> None:
    """`work` must look at what stands before it sends anything: an answer that was lost is unknown."""
    for attempt in range(TRIES):
        try:
            return await work()
        except ServerProblem as error:
            if attempt == TRIES - 1 or not _may_pass(error):
                raise
            asked = error.wait if isinstance(error, ServerBusy) else None
            await asyncio.sleep(asked if asked is not None else PAUSE * 2.0**attempt)
    return None


def _may_pass(error: ServerProblem) -> bool:
    if isinstance(error, ServerBusy):
        return (error.wait or 0) <= LONGEST_WAIT
    lost = isinstance(error, Unreachable | NotFhir | LostRace)
    return lost or (isinstance(error, Refused) and error.status >= 500)
