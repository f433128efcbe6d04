"""Who carries out jobs for long keeps freed memory at hand, unless its operator has said how; no other command does."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from always import until

from service.cli.__main__ import AT_HAND

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc, read by way of /proc")


def tunables(pid):
    variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return [each.partition(b"=")[2].decode() for each in variables if each.startswith(b"GLIBC_TUNABLES=")]


def drains(pid):
    """It has said what to do when it is told to end; until then SIGTERM kills it."""
    caught = re.search(r"SigCgt:\s*([0-9a-f]+)", Path(f"/proc/{pid}/status").read_text())[1]
    return int(caught, 16) >> (signal.SIGTERM - 1) & 1


def begun(folder, said, *words, stdout=None):
    (folder / "personalize.toml").write_text('[sources.hospital]\nurl = "http://127.0.0.1:9/fhir"\n')
    environment = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES"} | said
    return subprocess.Popen([sys.executable, "-m", "service.cli", *words], cwd=folder, env=environment, stdout=stdout)


@pytest.mark.parametrize(
    ("said", "kept"),
    [({}, AT_HAND), ({"GLIBC_TUNABLES": "glibc.malloc.perturb=0"}, "glibc.malloc.perturb=0")],
    ids=["unsaid", "the operator's own"],
)
def test_a_worker_is_the_same_process_with_the_setting_and_drains(tmp_path, said, kept):
    worker = begun(tmp_path, said, "worker")
    try:
        until(lambda: drains(worker.pid))
        assert tunables(worker.pid) == [kept]
    finally:
        worker.terminate()
    assert worker.wait(60) == 0


def test_a_command_that_carries_out_no_jobs_is_begun_once(tmp_path):
    with begun(tmp_path, {}, "sandbox", "--patients", "1", "--port", "0", stdout=subprocess.PIPE) as sandbox:
        try:
            assert sandbox.stdout.readline().startswith(b"http://")
            assert tunables(sandbox.pid) == []
        finally:
            sandbox.terminate()
