"""No container engine is needed to find a broken Dockerfile: its COPY, RUN, CMD and HEALTHCHECK lines are run here.

As an unprivileged user where the tests run as root, in empty directories, with an environment that holds little.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from processes import minding_ctrl_c

ROOT = Path(__file__).parent.parent
NOBODY = 65534


@pytest.fixture(scope="module")
def lines():
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def image(tmp_path_factory, lines):
    """The app directory and a Python of its own, made by the COPY and RUN lines."""
    home = tmp_path_factory.mktemp("image")
    _open_to_others(home)
    app = home / "app"
    app.mkdir()
    for word, rest in lines:
        if word == "COPY":
            *sources, target = rest.split()
            for source in sources:
                _copy(ROOT / source, app / target / (source if len(sources) > 1 else ""))
    _hand_over(home)
    _run([_python(), "-m", "venv", str(home / "python")], home, home)
    for word, rest in lines:
        if word == "RUN":
            _run(["sh", "-c", rest], app, home)
    return home


def test_the_container_runs_the_demo_and_its_health_check_passes(image, lines):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    by_word = dict(lines)
    command = [word.replace("8080", port).replace("0.0.0.0", "127.0.0.1") for word in json.loads(by_word["CMD"])]
    health = json.loads(re.search(r"CMD (\[.*\])", by_word["HEALTHCHECK"]).group(1).replace("8080", port))
    empty = image / "empty"
    empty.mkdir()
    _hand_over(empty)
    demo = subprocess.Popen(
        command,
        cwd=empty,
        env=_environment(image),
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=minding_ctrl_c,
        **_unprivileged(),
    )
    try:
        said = []
        for line in demo.stdout:
            said.append(line)
            if "Ctrl-C" in line:
                break
        assert any("planned" in line for line in said), said
        assert _run(health, empty, image) == 0
        assert list(empty.iterdir()) == [], "the demo leaves nothing in the directory it runs in"
    finally:
        demo.send_signal(signal.SIGINT)
        assert demo.wait(timeout=30) == 0


def test_it_does_not_run_as_root(lines):
    assert dict(lines)["USER"] not in ("root", "0")


def _run(command, cwd, home):
    done = subprocess.run(
        command, cwd=cwd, env=_environment(home), capture_output=True, text=True, check=False, **_unprivileged()
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.returncode


def _environment(home):
    kept = {name: os.environ[name] for name in os.environ if name.startswith(("PIP_", "SSL_", "REQUESTS_", "HTTP"))}
    return {**kept, "PATH": f"{home / 'python' / 'bin'}:/usr/bin:/bin", "HOME": str(home), "TMPDIR": str(home)}


def _python():
    """An interpreter that the unprivileged user may run: one below a closed home directory is none."""
    for candidate in (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3"):
        asked = [candidate, "-c", "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"]
        try:
            if subprocess.run(asked, check=False, capture_output=True, cwd="/", **_unprivileged()).returncode == 0:
                return candidate
        except OSError:
            continue
    why = "an unprivileged user finds no Python 3.11 with venv here: install python3-venv"
    return (pytest.fail if os.environ.get("CI") else pytest.skip)(why)


def _unprivileged():
    return {"user": NOBODY, "group": NOBODY} if os.getuid() == 0 else {}


def _copy(source, target):
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    else:
        target.parent.mkdir(exist_ok=True)
        shutil.copy(source, target)


def _hand_over(folder):
    if os.getuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)


def _open_to_others(folder):
    """pytest's temporary directories are for their owner alone; another user must be able to pass through."""
    for path in (folder, *folder.parents):
        if path.owner() == Path.home().owner() and ("pytest" in path.name or "popen" in path.name):
            path.chmod(path.stat().st_mode | 0o055)
