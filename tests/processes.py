"""The command's words in, a process of its own that runs them out: one that can be killed.

A fork server has the service loaded already, so that many of them start in a moment each.
"""

import multiprocessing
import os
import signal
import sys
import time

from canary import SAID

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["service.cli.app", "pytest"])


def personalize(folder, *words, version=None):
    """`version`: as if the service were of that one."""
    process = _context.Process(target=_typed, args=(str(folder), [str(word) for word in words], version))
    process.start()
    return process


def _typed(folder, words, version):
    import service
    from service.cli import app as cli

    service.__version__ = version or service.__version__
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored, as with `minding_ctrl_c`
    os.chdir(folder)
    with open(f"{folder.rstrip('/')}-{os.getpid()}{SAID}", "w") as said:
        sys.stdout, sys.stderr = said, said
        sys.argv = ["personalize", *words]
        cli.main()


def finished(process):
    process.join(240)
    return process.exitcode


def until_quiet(server):
    """What a killed process had sent off may reach the sandbox after its end."""
    seen = -1
    while seen != len(server.requests):
        seen = len(server.requests)
        time.sleep(0.1)


def minding_ctrl_c():
    """For a child: what runs in the background, as these tests may, leaves SIGINT ignored; a terminal does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
