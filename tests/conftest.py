"""The front door: the command as a person types it, and an embedded server to type it at."""

import json
import shutil
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import postgres_server
import pytest
import redis
import redis_server
import spark_session
from canary import NAMES, leaks, marked, repeated, watching
from required import require

from service.cli import app as cli
from service.sandbox import Faults, running

DATA = Path(__file__).parent / "data"
TOGETHER = ("tests/real", "tests/engine")  # their files share what is heavy to start: one HAPI, one Spark

REAL_PARTS = pytest.StashKey[list[str]]()
LEAKS = pytest.StashKey[list[str]]()

pytest_runtest_makereport = watching(NAMES)  # nothing that any test prints or logs names a patient


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With several processes a file stays in one of them, and so does each folder of TOGETHER.

    Not by xdist's own groups: 3.8.0 names them in a field that pytest 9.2 no longer reads, and says nothing.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return next((room for room in TOGETHER if file.startswith(f"{room}/")), file)

    return Together(config, log)


def pytest_sessionfinish(session):
    """What processes of the tests printed is looked through when all is over, and fails the whole."""
    config = session.config
    found = config.stash.setdefault(LEAKS, [])
    if not config.pluginmanager.hasplugin("dsession"):  # the process that hands out the tests ran none
        found += repeated(config._tmp_path_factory.getbasetemp())[1]
    if hasattr(config, "workeroutput"):
        config.workeroutput |= {"real_parts": config.stash.get(REAL_PARTS, []), "leaks": found}
    elif found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    output = getattr(node, "workeroutput", {})
    for key, name in ((REAL_PARTS, "real_parts"), (LEAKS, "leaks")):
        node.config.stash.setdefault(key, []).extend(output.get(name, []))


def pytest_terminal_summary(terminalreporter, config):
    """Say with what the tests ran: a green run against nothing should not look like one against the real thing."""
    for part in dict.fromkeys(config.stash.get(REAL_PARTS, [])):
        terminalreporter.write_line(f"real parts: {part}")
    for leak in config.stash.get(LEAKS, []):
        terminalreporter.write_line(f"FAILED: it names a patient: {leak}", red=True)


@pytest.fixture(scope="session")
def real_parts(pytestconfig):
    """The real parts met so far: name, version, where. A fixture that starts one appends it."""
    return pytestconfig.stash.setdefault(REAL_PARTS, [])


@pytest.fixture(scope="session")
def real_redis(tmp_path_factory, real_parts):
    """The URL of a Redis of this process's own."""
    require([] if shutil.which(redis_server.NEEDED) else [redis_server.NEEDED], "Redis")
    with redis_server.running(tmp_path_factory.mktemp("redis")) as url:
        with redis.Redis.from_url(url) as client:
            real_parts.append(f"Redis {client.info('server')['redis_version']}")
        yield url


@pytest.fixture(scope="session")
def real_postgres(real_parts):
    """A PostgreSQL of this process's own."""
    require(postgres_server.lacking(), "PostgreSQL")
    with postgres_server.running() as server:
        real_parts.append(f"PostgreSQL {server.version()}")
        yield server


@pytest.fixture
def empty_postgres(real_postgres):
    """Its URL, with nothing in it."""
    real_postgres.empty()
    return real_postgres.url


@pytest.fixture(scope="session")
def real_spark(real_parts):
    """The kind of engine; Spark itself starts with the first that is opened, and lives as long as this process."""
    require(spark_session.lacking(), "Spark")
    import pyspark

    real_parts.append(f"Spark {pyspark.__version__}")
    return spark_session.SPARK


@dataclass(frozen=True)
class Said:
    """What a command left: its exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def personalize(tmp_path, monkeypatch, capsys):
    """Runs the command in an empty directory of its own: personalize("run", url, "--json")."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["personalize", *map(str, words)])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        captured = capsys.readouterr()
        assert leaks(captured.out + captured.err, NAMES) == []
        return Said(code, captured.out, captured.err)

    return run


@pytest.fixture
def sandbox():
    """An empty FHIR server."""
    with running(patients=0) as server:
        yield server


@pytest.fixture
def misbehaving():
    """Empty FHIR servers that do wrong as the TOML says: misbehaving('no = ["transaction"]')."""
    with ExitStack() as servers:
        yield lambda toml, patients=0: servers.enter_context(running(patients, faults=Faults.of(toml)))


@pytest.fixture(scope="session")
def planted():
    """The 17 hand-written patients by file, marked: {"Patient": [...], ...}, and their expected profiles."""
    folder = DATA / "planted"
    resources = {
        path.stem: [json.loads(line) for line in path.read_text().splitlines()] for path in folder.glob("*.ndjson")
    }
    return marked(resources), json.loads((folder / "expected.json").read_text())["patients"]


@pytest.fixture
def planted_sandbox(sandbox, planted):
    resources, _ = planted
    sandbox.store.load(json.dumps(each).encode() for kind in resources.values() for each in kind)
    sandbox.requests.clear()
    return sandbox


@pytest.fixture
def in_two(monkeypatch):
    """Every type but Patient is laid over as if its file were large, and what came ever since it little."""
    monkeypatch.setattr("service.raw.LARGE", 0)
    monkeypatch.setattr("service.pull.merge.LITTLE", 1_000)


@pytest.fixture(params=["in-one-file", "in-two"])
def lying(request):
    """What of a type came in later nights is put at the end of a copy, or beside what came in the first."""
    if request.param == "in-two":
        request.getfixturevalue("in_two")
