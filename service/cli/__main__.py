"""The command `personalize`, or `python -m service.cli`: what a process must be told before anything is imported."""

import os
import sys

CARRY_OUT_JOBS = ("worker", "serve")
AT_HAND = "glibc.malloc.tcache_count=16000"


def main() -> None:
    """A process that carries out jobs begins once more with other settings of its C library, unless it has some."""
    if sys.platform == "linux" and sys.argv[1:] and sys.argv[1] in CARRY_OUT_JOBS:
        _keep_freed_memory_at_hand()
    from service.cli.app import main as personalize

    personalize()


def _keep_freed_memory_at_hand() -> None:
    """Of what was freed glibc keeps seven pieces of a size at hand and searches its heap for more. What DuckDB makes of
    a question is tens of thousands of small pieces: a sixth of a job's computing was that search.
    """
    if "GLIBC_TUNABLES" not in os.environ:
        os.environ["GLIBC_TUNABLES"] = AT_HAND
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - the words that we were started with


if __name__ == "__main__":
    main()
