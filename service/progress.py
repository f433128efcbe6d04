"""A way to say how far long work is: a bar on a terminal, one log line a minute elsewhere; always on stderr."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

EVERY_SECONDS = 60.0

log = structlog.get_logger(__name__)


@contextmanager
def progress() -> Iterator[Callable[[str, int], None]]:
    """Yields `advance(what, count)`; totals are unknown beforehand (`Bundle.total` may be an estimate)."""
    if sys.stderr.isatty():
        with _bar() as bar:
            yield _on_a_terminal(bar)
    else:
        yield _in_a_log()


def _bar() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,.0f}"))
    return Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True)


def _on_a_terminal(bar: Progress) -> Callable[[str, int], None]:
    tasks = {}

    def advance(what: str, count: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=None)
        bar.advance(tasks[what], count)

    return advance


def _in_a_log() -> Callable[[str, int], None]:
    done: Counter[str] = Counter()
    last = time.monotonic()

    def advance(what: str, count: int) -> None:
        nonlocal last
        done[what] += count
        if time.monotonic() - last >= EVERY_SECONDS:
            last = time.monotonic()
            log.info("at work", stage=what, done=done[what])

    return advance
