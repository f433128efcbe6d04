"""A type that only a hospital's own view is of is read as the others are: by search, of some patients, by an export."""

import json

import pytest

from service.server.auth.backend_services import default_scopes

VIEW = {
    "resource": "Procedure",
    "name": "operations",
    "select": [{"column": [{"name": "patient", "path": "subject.getReferenceKey(Patient)"}]}],
}


@pytest.fixture
def clinic(planted_sandbox, tmp_path):
    whose = ("p03-emergency", "p03-emergency", "p12-edges")
    planted_sandbox.store.load(
        json.dumps({"resourceType": "Procedure", "id": f"o{n}", "subject": {"reference": f"Patient/{who}"}}).encode()
        for n, who in enumerate(whose)
    )
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "operations.json").write_text(json.dumps(VIEW))
    toml = f'[own]\nfolder = "own"\n[sources.hospital]\nurl = "{planted_sandbox.url}"\n'
    (tmp_path / "personalize.toml").write_text(toml)
    (tmp_path / "some.txt").write_text("Patient/p12-edges\n")
    return planted_sandbox


@pytest.mark.parametrize(
    ("words", "count"),
    [((), 3), (("--pull", "bulk"), 3), (("--patients-from", "some.txt"), 1)],
    ids=["search", "export", "of some"],
)
def test_it_is_pulled(personalize, clinic, tmp_path, words, count):
    told = personalize("pull", "hospital", *words)
    assert told.code == 0, told.err
    (manifest,) = tmp_path.glob("lake/raw/*/*/manifest.json")
    assert json.loads(manifest.read_text())["types"]["Procedure"]["count"] == count
    flattened = personalize("flatten", "hospital", "--json")
    assert flattened.code == 0, flattened.err
    (table,) = tmp_path.glob("lake/facts/*/*/own-operations.parquet")
    assert json.loads((table.parent / "facts.json").read_text())["facts"]["own-operations"] == count


def test_a_type_that_the_server_does_not_offer_is_unknown(personalize, clinic, tmp_path):
    columns = [{"name": "patient", "path": "patient.getReferenceKey(Patient)"}]
    view = {"resource": "Immunization", "name": "shots", "select": [{"column": columns}]}
    (tmp_path / "own" / "shots.json").write_text(json.dumps(view))
    for words in (("pull",), ("flatten",)):
        assert personalize(*words, "hospital").code == 0
    (facts,) = tmp_path.glob("lake/facts/*/*/facts.json")
    told = json.loads(facts.read_text())
    assert (told["facts"]["own-shots"], told["facts"]["own-operations"]) == (0, 3)
    assert "does not list Immunization" in told["unknown"]["Immunization"]


def test_its_scope_is_asked_for():
    assert "system/Procedure.rs" in default_scopes(True, writes=False, also_read=("Procedure", "Encounter")).split()
    assert default_scopes(False, writes=False, also_read=("Encounter",)).split().count("system/Encounter.read") == 1
