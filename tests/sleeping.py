"""Another sleep in; what this thread's loops sleep by, out. Servers of other tests go on in threads of their own."""

import asyncio
import threading


def sleep_by(monkeypatch, sleep):
    """`sleep(seconds, *rest)` in the place of asyncio's; whoever lets others run by it calls the real one."""
    real, here = asyncio.sleep, threading.current_thread()

    async def sleeping(seconds, *rest):
        other = threading.current_thread() is not here
        return await (real if other else sleep)(seconds, *rest)

    monkeypatch.setattr(asyncio, "sleep", sleeping)
