"""Whom the profile leaves in peace, at the front door: sensitive visits, opt-outs, the deceased, too little data."""

import json
from pathlib import Path

import httpx
import pytest

LABEL = ("http://hospital.example/labels", "protected")
TAG = ("http://hospital.example/tags", "no-profile")
FROM = "2026-07-01"


def derived(personalize, server):
    for words in (("pull", server), ("flatten", server), ("derive", server, "--as-of", FROM)):
        said = personalize(*words, "--json")
        assert said.code == 0, said.err
    return said.json


def explained(personalize, server, who):
    said = personalize("explain", server, who, "--json")
    assert said.code == 0, said.err
    return said.json


def value(explanation, code):
    return next(each["value"] for each in explanation["measures"] if each["code"] == code)


@pytest.fixture
def configured(planted_sandbox, tmp_path):
    """The planted server as the source `ward`, with more settings; and its store."""

    def configure(*lines):
        text = "\n".join(["[sources.ward]", f'url = "{planted_sandbox.url}"', *lines])
        (tmp_path / "personalize.toml").write_text(text)
        return planted_sandbox

    return configure


def loaded(server, resource):
    server.store.load([json.dumps(resource).encode()])


def of_type(planted, kind, key):
    resources, _ = planted
    return next(json.loads(json.dumps(each)) for each in resources[kind] if each["id"] == key)


def test_a_sensitive_visit_shows_in_no_number_and_no_evidence(personalize, planted_sandbox):
    derived(personalize, planted_sandbox.url)
    told = explained(personalize, planted_sandbox.url, "p14-sensitive")
    assert value(told, "visits-p1y") == value(told, "contact-days-p1y") == 1
    assert told["evidence"] == ["Encounter/enc-061"]


def test_a_label_of_the_hospitals_own_makes_visit_and_claim_sensitive(personalize, configured, planted):
    server = configured(f'sensitive_labels = ["{"|".join(LABEL)}"]')
    visit = of_type(planted, "Encounter", "enc-033")
    visit.setdefault("meta", {})["security"] = [dict(zip(("system", "code"), LABEL, strict=True))]
    loaded(server, visit)
    derived(personalize, "ward")
    told = explained(personalize, "ward", "p10-money")
    assert value(told, "visits-p1y") == 0
    assert "Encounter/enc-033" not in told["evidence"]


def test_the_same_label_hides_nothing_where_it_is_not_configured(personalize, configured, planted):
    server = configured()
    visit = of_type(planted, "Encounter", "enc-033")
    visit.setdefault("meta", {})["security"] = [dict(zip(("system", "code"), LABEL, strict=True))]
    loaded(server, visit)
    derived(personalize, "ward")
    assert value(explained(personalize, "ward", "p10-money"), "visits-p1y") == 1


def by_tag(server, planted, who):
    person = httpx.get(f"{server.url}/Patient/{who}").json()
    person.setdefault("meta", {})["tag"] = [dict(zip(("system", "code"), TAG, strict=True))]
    loaded(server, person)


def by_group(server, planted, who):
    members = [
        {"entity": {"reference": f"Patient/{who}"}},
        {"entity": {"reference": "Patient/p01-quiet"}, "inactive": True},
    ]
    group = {"resourceType": "Group", "id": "no-profile", "type": "person", "actual": True, "member": members}
    loaded(server, group)


OPT_OUTS = {"tag": (f'opt_out_tag = "{"|".join(TAG)}"', by_tag), "group": ('opt_out_group = "no-profile"', by_group)}


@pytest.mark.parametrize("way", OPT_OUTS)
def test_of_who_opts_out_nothing_is_derived(personalize, configured, planted, tmp_path, way):
    setting, opt_out = OPT_OUTS[way]
    server = configured(setting)
    opt_out(server, planted, "p03-emergency")
    assert derived(personalize, "ward")["profiles"] == 15
    refused = personalize("explain", "ward", "p03-emergency")
    assert refused.code == 2 and "this patient opted out" in refused.err
    (profiles,) = Path(tmp_path, "lake", "profiles").rglob("profiles.json")
    assert json.loads(profiles.read_text())["opted_out"] == ["Patient/p03-emergency"]
    assert all(b"p03-emergency" not in path.read_bytes() for path in profiles.parent.glob("*.parquet"))


@pytest.mark.parametrize("way", OPT_OUTS)
def test_what_was_written_before_the_opt_out_is_planned_for_removal(personalize, configured, planted, way):
    """The Patient's own extension is taken off at once."""
    setting, opt_out = OPT_OUTS[way]
    server = configured('write = "patient"')
    assert personalize("run", "ward", "--as-of", FROM, "--apply").code == 0
    server = configured('write = "patient"', setting)
    opt_out(server, planted, "p03-emergency")
    said = personalize("run", "ward", "--as-of", FROM, "--apply")
    assert "Patient/p03-emergency remove: its patient opted out" in said.out
    borne = httpx.get(f"{server.url}/Patient/p03-emergency").json().get("extension", [])
    assert not any("patient-personalization" in each["url"] for each in borne)


def test_a_merged_person_has_opted_out_when_any_of_the_records_has(personalize, configured, planted):
    server = configured(OPT_OUTS["tag"][0])
    by_tag(server, planted, "p07-old")
    assert derived(personalize, "ward")["profiles"] == 15
    assert "this patient opted out" in personalize("explain", "ward", "p07-survivor").err


def test_an_opt_out_group_that_is_not_there_ends_the_pull(personalize, configured):
    configured('opt_out_group = "nobody"')
    said = personalize("pull", "ward")
    assert said.code == 2
    assert (
        "the opt-out group is not on the server (Group/nobody). Correct opt_out_group in personalize.toml" in said.err
    )


def test_an_opt_out_group_that_cannot_be_read_ends_it_as_well(personalize, configured):
    server = configured('opt_out_group = "odd"')
    loaded(server, {"resourceType": "Group", "id": "odd", "type": "person", "actual": True, "member": "everybody"})
    assert personalize("pull", "ward").code == 0
    said = personalize("flatten", "ward")
    assert said.code == 1 and "nobody can tell who opted out" in said.err


def test_the_deceased_have_no_level_no_pathway_and_nothing_near(personalize, planted_sandbox):
    assert derived(personalize, planted_sandbox.url)["levels"]["deceased"] == 1
    told = explained(personalize, planted_sandbox.url, "p08-deceased")
    assert (told["level"], told["level_absent"], told["pathways"]) == (None, "deceased", [])
    assert (told["reasons"], told["nearest"]) == ([], [])


def test_where_visits_are_unknown_there_is_no_level(personalize, planted_sandbox, tmp_path):
    """The server stops listing Encounter."""
    assert personalize("pull", planted_sandbox.url).code == 0
    (manifest,) = (tmp_path / "lake" / "raw").rglob("manifest.json")
    told = json.loads(manifest.read_text())
    told["types"]["Encounter"] = {"count": 0, "unknown": "the server's CapabilityStatement does not list Encounter"}
    manifest.write_text(json.dumps(told))
    (manifest.parent / "Encounter.ndjson").unlink()
    assert personalize("flatten", planted_sandbox.url).code == 0
    said = personalize("derive", planted_sandbox.url, "--as-of", FROM, "--json")
    assert said.json["levels"] == {"deceased": 1, "too-little-data": 15}
    explained_ = explained(personalize, planted_sandbox.url, "p03-emergency")
    assert (explained_["level"], explained_["level_absent"]) == (None, "too-little-data")
    assert (explained_["pathways"], explained_["nearest"]) == ([], [])
    unknown = next(each["unknown"] for each in explained_["measures"] if each["code"] == "ed-visits-p1y")
    assert unknown == "the server does not expose what this is computed from"


def test_visits_that_were_all_set_aside_are_unknown_not_none(personalize, configured, planted):
    server = configured()
    visit = of_type(planted, "Encounter", "enc-033")
    loaded(server, visit | {"status": "unknown"})
    said = derived(personalize, "ward")
    assert said["levels"]["too-little-data"] >= 1
    told = explained(personalize, "ward", "p10-money")
    assert told["level"] is None and value(told, "visits-p1y") is None
    text = personalize("explain", "ward", "p10-money").out
    assert "set aside" in text
