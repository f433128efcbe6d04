"""A folder with package-lock.json in, the same with its packages installed out; what runs apps in JavaScript."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from required import require

TESTS = Path(__file__).parent
READY = """
import { createRequire } from "node:module";
const smart = createRequire(import.meta.url)("fhirclient");
const stored = { get: async () => undefined, set: async () => undefined, unset: async () => undefined };
const api = smart({ headers: {}, url: "/" }, {}, stored);
const state = %s;
const FHIR = { oauth2: { ready: async () => api.client(state) } };
"""


@pytest.fixture(scope="session")
def fhirclient(tmp_path_factory, real_parts):
    """A folder in which fhirclient.js is installed."""
    return installed(TESTS / "readers", "fhirclient", tmp_path_factory.mktemp("readers"), real_parts)


def installed(source, package, folder, real_parts):
    """`folder`, with what is in `source`, installed as its package-lock.json has it."""
    require([tool for tool in ("node", "npm") if shutil.which(tool) is None], package)
    for file in source.iterdir():
        shutil.copy(file, folder)
    words = ["npm", "ci", "--legacy-peer-deps", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    version = json.loads((folder / "node_modules" / package / "package.json").read_text())["version"]
    real_parts.append(f"{package} {version}")
    return folder


def launched(folder, state, program, result):
    """What `result` is once the program of an app has run that was launched with `state`; as JSON has it."""
    program = READY % json.dumps(state) + program + f"\nconsole.log(JSON.stringify({result}));"
    (folder / "reads.mjs").write_text(program)
    done = subprocess.run(["node", "reads.mjs"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
