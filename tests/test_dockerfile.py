"""No container engine is needed to find a broken Dockerfile: its COPY, RUN, ENTRYPOINT, CMD, HEALTHCHECK are run here.

As an unprivileged user where the tests run as root, in empty directories, with an environment that holds little.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
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


@pytest.fixture
def entered(image, lines):
    """entered("run", url) is what `docker run IMAGE run URL` does, in one empty directory; with no words, the CMD."""
    place, by_word = image / "data", dict(lines)
    place.mkdir()
    _hand_over(place)
    started = []

    def enter(*words, port=""):
        entry, default = (json.loads(by_word[word]) for word in ("ENTRYPOINT", "CMD"))
        command = [word.replace("8000", port) for word in (*entry, *(words or default))]
        command = [word.replace("0.0.0.0", "127.0.0.1") for word in command]
        process = subprocess.Popen(
            command,
            cwd=place,
            env=_environment(image),
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=minding_ctrl_c,
            **_unprivileged(),
        )
        started.append(process)
        return process

    yield enter, place
    for process in started:
        process.kill()
        process.wait()
    shutil.rmtree(place)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


SETTINGS = """
[sources.clinic]
url = "URL"
[serve]
drain = 0
[serve.issuers.hospital]
issuer = "https://auth.hospital.example"
jwks_url = "https://auth.hospital.example/jwks"
"""


def test_the_container_serves_what_its_runs_made_and_its_health_check_passes(image, lines, entered):
    enter, place = entered
    sandbox = enter("sandbox", "--patients", "3", "--port", "0")
    url = sandbox.stdout.readline().split()[0]
    (place / "personalize.toml").write_text(SETTINGS.replace("URL", url))
    assert enter("run", "clinic", "--json").wait(timeout=60) == 0
    port = free_port()
    serving = enter(port=port)
    base = serving.stdout.readline().split()[0]
    assert base == f"http://127.0.0.1:{port}/fhir"
    health = re.search(r"CMD (\[.*\])", dict(lines)["HEALTHCHECK"]).group(1)
    assert _run(json.loads(health.replace("8000", port)), place, image) == 0
    assert _answer(f"{base}/metadata") == 200
    assert _answer(f"{base}/Observation") == 401, "who has no token sees nothing"
    serving.send_signal(signal.SIGTERM)
    assert serving.wait(timeout=30) in (0, -signal.SIGTERM)


def _normal(name):
    """As the lock file writes it: PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _answer(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def test_the_demo_is_one_command_away(entered):
    enter, place = entered
    port = free_port()
    demo = enter("demo", "--host", "0.0.0.0", "--port", port)
    said = []
    for line in demo.stdout:
        said.append(line)
        if "Ctrl-C" in line:
            break
    assert any("planned" in line for line in said), said
    assert _answer(f"http://127.0.0.1:{port}/fhir/metadata") == 200
    assert list(place.iterdir()) == [], "the demo leaves nothing in the directory it runs in"
    demo.send_signal(signal.SIGINT)
    assert demo.wait(timeout=30) == 0


def test_the_commands_in_its_head_are_those_that_run(lines):
    """The demo's words, and the port that is published, are the lines' own."""
    text = (ROOT / "Dockerfile").read_text()
    assert "fhir-personalization demo --host 0.0.0.0 --port 8080" in text
    assert f"-p {dict(lines)['EXPOSE']}:{dict(lines)['EXPOSE']}" in text


def test_what_is_in_it_is_told_with_every_version_and_licence(image):
    """`make sbom`, but for the environment, which is there already: its own two tools are run on the image's."""
    recipe = (ROOT / "Makefile").read_text().split("\nsbom:")[1].split("\n\n")[0]
    tools = [line.strip() for line in recipe.splitlines() if "$(BIN)/" in line]
    out = image / "told"
    out.mkdir()
    for line in tools:
        words = line.replace("$(BIN)", str(Path(sys.executable).parent)).replace("$(SHIPPED)", str(image / "python"))
        subprocess.run(shlex.split(words.replace("dist/", f"{out}/")), cwd=ROOT, check=True, capture_output=True)
    told = json.loads((out / "sbom.json").read_text())["components"]
    held = {(_normal(each["name"]), each["version"]) for each in told}
    lock = (ROOT / "requirements.lock").read_text()
    locked = set(re.findall(r"^([a-z0-9-]+)==(\S+) \\$", lock, re.MULTILINE))
    for_some = set(re.findall(r"^([a-z0-9-]+)==(\S+) ;", lock, re.MULTILINE))
    assert locked and locked <= held
    assert {name for name, _ in held - locked - for_some} <= {"pip", "setuptools", "fhir-personalization"}
    rows = [line.split("|") for line in (out / "licences.md").read_text().splitlines()[2:]]
    assert {name for name, _ in locked} <= {_normal(row[1].strip()) for row in rows}
    assert [row for row in rows if "UNKNOWN" in row[3]] == []


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
