"""An engine that is not there or cannot start: what, where, and what to do, before anything is read or written."""

import os
import subprocess
import sys

import pytest
import spark_session
from required import require

WITHOUT_PYSPARK = "import sys; sys.modules['pyspark'] = None; from service.cli.app import main; main()"


@pytest.fixture
def refused(sandbox, tmp_path):
    """The last line of what a run says that computes nothing and asks nothing; in a process that never saw Spark."""

    def run(*python, **environment):
        words = [sys.executable, *python, "run", sandbox.url, "--lake", tmp_path / "lake"]
        env = os.environ | {"PERSONALIZE_ENGINE": "spark"} | environment
        done = subprocess.run(words, env=env, capture_output=True, text=True)
        assert (done.returncode, done.stdout, sandbox.requests) == (1, "", [])
        return done.stderr.strip().splitlines()[-1]

    return run


def test_without_pyspark(refused):
    said = refused("-c", WITHOUT_PYSPARK)
    assert "Spark is not installed: there is no pyspark" in said
    assert '(engine = "spark")' in said and "fhir-personalization[spark]" in said


@pytest.mark.parametrize("environment", [{"JAVA_HOME": "/nowhere"}, {"PERSONALIZE_SPARK_MASTER": "nonsense"}])
def test_without_java_or_with_a_master_that_is_none(refused, environment):
    require(spark_session.lacking(), "Spark")
    said = refused("-m", "service.cli", **environment)
    master = environment.get("PERSONALIZE_SPARK_MASTER", "local[*]")
    assert "Spark cannot start: " in said
    assert f"(spark_master = '{master}')" in said and "spark://host:7077" in said and "java -version" in said


def test_an_engine_that_is_none(personalize, sandbox, monkeypatch):
    monkeypatch.setenv("PERSONALIZE_ENGINE", "sparc")
    said = personalize("run", sandbox.url)
    assert said.code == 2
    assert "engine: " in said.err and "'duckdb' or 'spark'" in said.err
