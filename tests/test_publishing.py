"""`personalize profiles`: the standard goes on a server that may have it, as far as it differs, and into a folder."""

import gzip
import io
import json
import tarfile

import httpx
import pytest

from fhir_profiles import artefacts, load
from fhir_profiles.package import packed

EVERYWHERE = "http://fhir.example.org/r4"
PATHWAY = "SearchParameter/personalization-pathway"


def test_nothing_is_written_without_apply(personalize, sandbox):
    told = personalize("profiles", "install", sandbox.url)
    assert told.code == 0, told.err
    assert f"create    {PATHWAY}" in told.out
    assert told.out.endswith("Nothing was written: --apply does that.\n")
    assert httpx.get(f"{sandbox.url}/{PATHWAY}").status_code == 404


def test_every_definition_stands_afterwards_and_a_second_time_writes_nothing(personalize, sandbox):
    first = personalize("profiles", "install", sandbox.url, "--apply", "--json")
    assert first.code == 0, first.err
    assert {each["action"] for each in first.json["definitions"]} == {"create"}
    for definition in artefacts("r4"):
        there = httpx.get(f"{sandbox.url}/{definition['resourceType']}/{definition['id']}").json()
        assert there["url"] == definition["url"]
    second = personalize("profiles", "install", sandbox.url, "--apply", "--json").json
    assert {each["action"] for each in second["definitions"]} == {"unchanged"}
    assert httpx.get(f"{sandbox.url}/{PATHWAY}").json()["meta"]["versionId"] == "1"


def test_what_differs_is_put_and_nothing_else(personalize, sandbox):
    personalize("profiles", "install", sandbox.url, "--apply")
    changed = json.loads(json.dumps(load("r4", PATHWAY), default=float)) | {"status": "retired"}
    httpx.put(f"{sandbox.url}/{PATHWAY}", json=changed)
    told = personalize("profiles", "install", sandbox.url, "--apply", "--json").json
    assert [each for each in told["definitions"] if each["action"] != "unchanged"] == [
        {"definition": PATHWAY, "action": "update", "why": ""}
    ]
    assert httpx.get(f"{sandbox.url}/{PATHWAY}").json()["status"] == "active"


def test_a_definition_of_somebody_else_is_left_alone(personalize, sandbox):
    theirs = {
        "resourceType": "SearchParameter",
        "id": "personalization-pathway",
        "url": "https://example.org/SearchParameter/x",
    }
    httpx.put(f"{sandbox.url}/{PATHWAY}", json=theirs)
    told = personalize("profiles", "install", sandbox.url, "--apply")
    assert told.code == 3
    assert f"refused   {PATHWAY}: a definition of somebody else has this id" in told.out
    assert httpx.get(f"{sandbox.url}/{PATHWAY}").json()["url"] == theirs["url"]


def test_a_type_that_is_refused_is_told_and_the_others_go_on(personalize, misbehaving):
    server = misbehaving('[[fault]]\nmethod = "PUT"\npath = "ConceptMap"\ndo = "status"\nstatus = 422\n')
    told = personalize("profiles", "install", server.url, "--apply", "--json")
    assert told.code == 3
    actions = {each["definition"]: each["action"] for each in told.json["definitions"]}
    assert actions["ConceptMap/pathways-to-public-codes"] == "refused"
    assert actions[PATHWAY] == "create"


@pytest.mark.parametrize(
    "settings",
    ["", f'[sources.hospital]\nurl = "{EVERYWHERE}"\n'],
    ids=["unknown address", "a source that does not say so"],
)
def test_another_address_is_refused_unless_its_owner_says_so(personalize, tmp_path, settings):
    (tmp_path / "personalize.toml").write_text(settings)
    told = personalize("profiles", "install", EVERYWHERE)
    assert told.code == 2
    assert "Set admin = true under that source" in told.err


def test_its_owner_may_allow_it(personalize, tmp_path, respx_mock):
    (tmp_path / "personalize.toml").write_text(f'[sources.hospital]\nurl = "{EVERYWHERE}"\nadmin = true\n')
    statement = {"resourceType": "CapabilityStatement", "fhirVersion": "3.0.2", "rest": []}
    respx_mock.get(f"{EVERYWHERE}/metadata").respond(json=statement)
    respx_mock.get(url__startswith=EVERYWHERE).respond(404)
    told = personalize("profiles", "install", "hospital", "--json")
    assert (told.code, told.json["release"]) == (0, "STU3")
    assert len(told.json["definitions"]) == len(list(artefacts("stu3")))


def test_export_writes_each_version_with_its_package(personalize, tmp_path):
    assert personalize("profiles", "export", "guide").code == 0
    for version in ("stu3", "r4", "r5"):
        folder = tmp_path / "guide" / version
        assert (
            json.loads((folder / "CodeSystem-personalization-level.json").read_text())["resourceType"] == "CodeSystem"
        )
        assert (folder / "package.tgz").is_file()
    again = personalize("profiles", "export", "guide")
    assert (again.code, "it is there already" in again.err) == (2, True)


@pytest.mark.parametrize("version", ["stu3", "r4", "r5"])
def test_the_committed_package_holds_what_is_committed(personalize, tmp_path, version):
    """The same files give the same bytes, whatever the machine's zlib makes of them."""
    personalize("profiles", "export", "guide")
    committed = gzip.decompress((tmp_path / "guide" / version / "package.tgz").read_bytes())
    assert committed == gzip.decompress(packed(version)) == gzip.decompress(packed(version))
    with tarfile.open(fileobj=io.BytesIO(committed)) as package:
        names = package.getnames()
        manifest = json.load(package.extractfile("package/package.json"))
        index = json.load(package.extractfile("package/.index.json"))
    assert {entry["filename"] for entry in index["files"]} == {
        name.removeprefix("package/") for name in names if name.count("/") == 1
    } - {"package.json", ".index.json"}
    assert manifest["version"] == load(version, "measure-basis")["version"]
