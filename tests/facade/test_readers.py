"""docs/apps.md: the programs shown read a profile from `personalize serve`, with the libraries that they name."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from facade_lake import BUSY, OTHER
from fhirpy.base.exceptions import ForbiddenError
from javascript import fhirclient, launched

__all__ = ["fhirclient"]

APPS = (Path(__file__).parents[2] / "docs" / "apps.md").read_text()
SHOWN = "http://127.0.0.1:8000/fhir"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", APPS, re.DOTALL)


@pytest.fixture
def guarded(served, authority):
    http = served("", tables=authority.settings())
    return http, lambda scope, **more: authority.token(http.served.base, scope, **more)


def test_curl_reads_a_profile_in_one_request(served):
    http = served('auth = "off"')
    once, everywhere = (each for each in blocks("sh") if each.startswith("curl"))
    for command in (once, everywhere):
        words = shlex.split(command.replace("\\\n", "").replace(SHOWN, http.served.base).replace("pt-000003", BUSY))
        said = subprocess.run([*words, "--silent", "--fail"], capture_output=True, text=True, check=True).stdout
        assert f'"reference":"Patient/{BUSY}"' in said and '"code":"intensive"' in said
    assert '"resourceType":"Provenance"' in said


def test_fhirclient_reads_the_level(fhirclient, guarded):
    http, token = guarded
    (program,) = blocks("js")

    def read(patient, of):
        told = {"patient": patient, "access_token": token("patient/Observation.rs", patient=of)}
        state = {"serverUrl": http.served.base, "tokenResponse": told}
        return launched(fhirclient, state, program, "level")

    assert read(BUSY, BUSY) == "intensive"
    with pytest.raises(AssertionError, match="404"):
        read(OTHER, BUSY)


def test_fhirpy_finds_the_profile(guarded):
    http, token = guarded
    (program,) = blocks("py")
    program = program.replace(SHOWN, http.served.base).replace("pt-000003", BUSY)

    def read(bearer):
        names = {}
        exec(program.replace("Bearer ...", f"Bearer {bearer}"), names)
        return names["profile"]

    found = read(token("patient/Observation.rs", patient=BUSY))
    assert found["valueCodeableConcept"]["coding"][0]["code"] == "intensive"
    assert read(token("patient/Observation.rs", patient=OTHER)) is None
    with pytest.raises(ForbiddenError):
        read(token("patient/Patient.rs", patient=BUSY))
