"""README and docs show what happens: their console blocks are typed in order and compared, their settings loaded."""

import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from service.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
WRITING = (ROOT / "docs" / "writing.md").read_text()
VOLATILE = [
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\d{8}T\d{12}Z"), "RUN"),
    (re.compile(r"  \[\d+\.\d s\]"), ""),
    (re.compile(r" on \d{4}-\d\d-\d\d:"), " on TODAY:"),
    (re.compile(r"try-[0-9a-f]{16}"), "TRIAL"),
]


def blocks(page):
    """[(command, expected lines), ...] for each console block."""
    for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *expected = part.rstrip("\n").split("\n")
            yield command, expected


def same(shown, expected):
    """Line by line; `...` stands for any number of lines."""
    pattern = "".join(r"(?:.*\n)*?" if line == "..." else re.escape(steady(line)) + r"\n" for line in expected)
    return re.fullmatch(pattern, "".join(steady(line) + "\n" for line in shown)) is not None


def steady(line):
    for pattern, name in VOLATILE:
        line = pattern.sub(name, line)
    return line.rstrip()


@pytest.fixture
def shell(tmp_path):
    """Types a command where `personalize` is installed; port 8080 is a free one, and RUN the run named last."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    started, runs = [], []

    def types(command):
        command = re.sub(r"\d{8}T\d{12}Z", lambda _: runs[-1], command.replace("8080", port))
        if command.endswith("&"):
            words = shlex.split(command.removesuffix("&"))
            server = subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
            started.append(server)
            return [server.stdout.readline().rstrip("\n")]
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        runs.extend(re.findall(r"To take it back: personalize undo (\S+)", done.stdout))
        return done.stdout.splitlines()

    yield types
    for server in started:
        server.terminate()
        server.wait()


@pytest.mark.parametrize(("page", "commands"), [(README, 9), (WRITING, 21)], ids=["README", "writing"])
def test_it_shows_what_happens(shell, page, commands):
    typed = 0
    for command, expected in blocks(page):
        shown = shell(command.replace("make demo ARGS=--no-serve", "personalize demo --no-serve"))
        assert same(shown, expected), f"$ {command}\n" + "\n".join(shown)
        typed += 1
    assert typed == commands


def test_the_comparison_can_fail():
    assert same(["a", "b", "c"], ["a", "...", "c"])
    assert not same(["a", "b"], ["a", "c"])
    assert not same(["a"], ["a", "b"])


def test_the_settings_shown_are_settings(tmp_path, monkeypatch):
    (shown,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "personalize.toml").write_text(shown)
    monkeypatch.chdir(tmp_path)
    source = Settings().source("hospital")
    assert source.configured
    assert str(source.zone) == "America/New_York"
    assert Settings().source("https://FHIR.example.org/r4/") == source


def test_make_demo_is_what_the_readme_was_tested_with():
    assert "$(BIN)/personalize demo $(ARGS)" in (ROOT / "Makefile").read_text()
