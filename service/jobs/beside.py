"""What is to be done every so often in, a thread that does it for the length of a block out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeated(work: Callable[[], bool], seconds: float, name: str) -> Iterator[None]:
    """`work` so many seconds apart, until it says that there is no more to do, or the block ends."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(seconds):
            if not work():
                return

    thread = threading.Thread(target=repeat, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
