"""docs/profile/using.md: the programs shown read a profile from a server, with the libraries that they name."""

import json
import re
from pathlib import Path

import httpx
import pytest
from javascript import fhirclient, launched

from fhir_profiles import read_profile

__all__ = ["fhirclient"]

USING = Path(__file__).parents[2] / "docs" / "profile" / "using.md"
FOREVER, LAPSED = "2999-01-01T00:00:00Z", "2000-01-01T00:00:00Z"


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
    state = {"serverUrl": url, "tokenResponse": {"patient": patient}}
    return launched(folder, state, shown("js"), "[level ?? null, pathways]")


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
