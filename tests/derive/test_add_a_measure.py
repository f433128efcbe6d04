"""docs/add-a-measure.md, followed literally in a copy of the tree."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "add-a-measure.md").read_text("utf-8")


def block(language):
    (content,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return content


def patched(text, diff):
    """Each added line stands after the line that the page shows before it, which must be there once."""
    anchor = ""
    for line in diff.splitlines():
        if line.startswith("+"):
            assert text.count(f"\n{anchor}\n") == 1, f"{anchor!r} is not in the file once"
            text = text.replace(f"\n{anchor}\n", f"\n{anchor}\n{line[1:]}\n")
        else:
            anchor = line[1:]
    return text


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy in which steps 1 and 2 are done."""
    copy = tmp_path_factory.mktemp("tree")
    for name in ("service", "fhir_profiles", "docs"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    (path,) = re.findall(r"Put this into `(.*?)`", PAGE)
    (copy / path).write_text(block("python"))
    catalogue = copy / "service" / "derive" / "catalogue.py"
    catalogue.write_text(patched(catalogue.read_text(), block("diff")))
    return copy


def run(tree, *words, at=None):
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(words, cwd=at or tree, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def compiler_ready():
    ready = subprocess.run([ROOT / "fhir_profiles" / "build.sh", "--ready"], capture_output=True, check=False)
    return ready.returncode == 0


def test_the_file_is_under_thirty_lines():
    assert len(block("python").splitlines()) < 30


def test_the_page_and_the_code_system_follow(tree):
    for command in block("console").splitlines():
        program, *words = command.removeprefix("$ ").split()
        if program == "python":
            run(tree, sys.executable, *words)
        elif compiler_ready():
            run(tree, str(tree / program), *words)
    assert "`weekend-visits-p1y`" in (tree / "docs" / "measures.md").read_text()
    source = (tree / "fhir_profiles" / "fsh" / "terminology" / "personalization-measure.fsh").read_text()
    assert '* #weekend-visits-p1y "Visits at weekends, last year"' in source
    if compiler_ready():
        assert '"weekend-visits-p1y"' in (tree / "fhir_profiles/r4/CodeSystem-personalization-measure.json").read_text()


def test_the_profile_has_it_and_a_policy_may_read_it(tree, planted_sandbox, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text("""
        version = "own"
        [[level]]
        name = "enhanced"
        [[level.any]]
        measure = "weekend-visits-p1y"
        comparator = ">="
        threshold = 0.2
        source = "own choice"
        [[pathway]]
        name = "proactive-outreach"
        levels = ["enhanced"]
    """)
    command = (sys.executable, "-m", "service.cli")
    for words in (("pull",), ("flatten",), ("derive", "--as-of", "2026-07-01", "--policy", str(own))):
        run(tree, *command, words[0], planted_sandbox.url, *words[1:], at=tmp_path)
    told = json.loads(run(tree, *command, "explain", planted_sandbox.url, "p12-edges", "--json", at=tmp_path))
    (weekend,) = [each for each in told["measures"] if each["code"] == "weekend-visits-p1y"]
    assert (weekend["of"], weekend["dimension"], weekend["title"]) == ([1, 5], "participation", "Visits at weekends")
    assert (told["level"], [reason["code"] for reason in told["reasons"]]) == ("enhanced", ["weekend-visits"])
