"""docs/profile/using.md: the programs shown read a profile from a server, with the libraries that they name."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
from required import require

from fhir_profiles import read_profile

USING = Path(__file__).parents[2] / "docs" / "profile" / "using.md"
LOCKED = Path(__file__).parents[1] / "readers"
FOREVER, LAPSED = "2999-01-01T00:00:00Z", "2000-01-01T00:00:00Z"
READY = """
import { createRequire } from "node:module";
const smart = createRequire(import.meta.url)("fhirclient");
const stored = { get: async () => undefined, set: async () => undefined, unset: async () => undefined };
const api = smart({ headers: {}, url: "/" }, {}, stored);
const state = { serverUrl: %s, tokenResponse: { patient: %s } };
const FHIR = { oauth2: { ready: async () => api.client(state) } };
"""


@pytest.fixture(scope="module")
def fhirclient(tmp_path_factory, real_parts):
    """A folder in which fhirclient.js is installed, as tests/readers/package-lock.json has it."""
    require([tool for tool in ("node", "npm") if shutil.which(tool) is None], "fhirclient.js")
    folder = tmp_path_factory.mktemp("readers")
    for file in LOCKED.glob("package*.json"):
        shutil.copy(file, folder)
    words = ["npm", "ci", "--legacy-peer-deps", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    version = json.loads((folder / "node_modules" / "fhirclient" / "package.json").read_text())["version"]
    real_parts.append(f"fhirclient.js {version}")
    return folder


@pytest.fixture
def written(personalize, planted_sandbox):
    """The planted patients' server after a whole run; returns it, and a patient who has a level and pathways."""
    ran = personalize("run", planted_sandbox.url, "--as-of", "2026-07-01", "--apply", "--json")
    assert ran.code == 0, ran.err
    return planted_sandbox.url, "p03-emergency"


def valid_until(url, patient, moment):
    """The panel's, changed as nobody would; what its reader is to make of it, is returned."""
    (entry,) = httpx.get(f"{url}/Observation", params={"patient": patient}).json()["entry"]
    panel = entry["resource"]
    text = re.sub(r'("url":\s*"validUntil",\s*"valueDateTime":\s*)"[^"]+"', rf'\1"{moment}"', json.dumps(panel))
    assert moment in text
    httpx.put(f"{url}/Observation/{panel['id']}", content=text.encode()).raise_for_status()
    return read_profile(json.loads(text))


def shown(language):
    return re.search(rf"```{language}\n(.*?)```", USING.read_text("utf-8"), re.DOTALL)[1]


def javascript(folder, url, patient):
    """(level, pathways) that the page's program finds."""
    program = READY % (json.dumps(url), json.dumps(patient)) + shown("js")
    program += "\nconsole.log(JSON.stringify([level ?? null, pathways]));"
    (folder / "reads.mjs").write_text(program)
    done = subprocess.run(["node", "reads.mjs"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_fhirclient_reads_level_and_pathways(fhirclient, written):
    told = valid_until(*written, FOREVER)
    assert told.level == "intensive" and told.pathways
    assert javascript(fhirclient, *written) == ["intensive", list(told.pathways)]
    valid_until(*written, LAPSED)
    assert javascript(fhirclient, *written) == [None, []]
    assert javascript(fhirclient, written[0], "p99-nobody") == [None, []]


def test_fhirpy_reads_level_pathways_and_measures(written, capsys):
    url, patient = written
    told = valid_until(url, patient, FOREVER)
    program = shown("python").replace('patient="17"', f'patient="{patient}"')
    exec(program, {"base": url, "token": "t"})
    assert capsys.readouterr().out == f"intensive {told.pathways} {told.measure('ed-visits-p1y').value}\n"
    valid_until(url, patient, LAPSED)
    exec(program, {"base": url, "token": "t"})
    assert capsys.readouterr().out == ""
