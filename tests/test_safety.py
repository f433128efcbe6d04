"""Nothing is written by surprise: shown by the logs of who was asked, not by our report."""

import json
from urllib.parse import parse_qs

import httpx
import pytest
import respx

FAR = "https://fhir.example.org/r4"
FHIR = {"Content-Type": "application/fhir+json"}


def test_without_apply_no_write_is_sent(personalize, planted_sandbox):
    said = personalize("run", planted_sandbox.url, "--as-of", "2026-07-01", "--write", "patient")
    assert said.code == 0
    assert len(planted_sandbox.requests) > 3
    assert planted_sandbox.writes == []
    assert "nothing: this was a plan" in said.out


@pytest.fixture
def far():
    """A server that is not on this machine: 60 patients in pages of 30, a visit for each."""
    with respx.mock(base_url=FAR, assert_all_called=False) as mock:
        statement = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [{"mode": "server"}]}
        mock.get("/metadata").respond(json=statement, headers=FHIR)
        mock.get("/Patient", params={"page": "2"}).respond(json=_bundle(_patients(30, 60)), headers=FHIR)
        mock.get("/Patient").respond(json=_bundle(_patients(0, 30), f"{FAR}/Patient?page=2"), headers=FHIR)
        mock.post("/Encounter/_search").mock(side_effect=_visits)
        mock.get("/Encounter").respond(json=_bundle([]), headers=FHIR)
        mock.get("/Claim").respond(json=_bundle([]), headers=FHIR)
        more = r"/(ExplanationOfBenefit|ClaimResponse|Condition|PractitionerRole)"
        mock.get(path__regex=f"{more}$").respond(json=_bundle([]), headers=FHIR)
        mock.post(path__regex=f"{more}/_search$").respond(json=_bundle([]), headers=FHIR)
        mock.post("/Claim/_search").respond(json=_bundle([]), headers=FHIR)
        mock.get("/Observation").respond(json=_bundle([]), headers=FHIR)
        mock.post("/Observation/_search").respond(json=_bundle([]), headers=FHIR)
        mock.get("/Device").respond(json=_bundle([]), headers=FHIR)
        mock.get(path__regex=r"/Device/").respond(404, json={"resourceType": "OperationOutcome"})
        yield mock


def _patients(start, end):
    return [{"resourceType": "Patient", "id": f"far{n}", "birthDate": "1970-01-01"} for n in range(start, end)]


def _visits(request):
    (patients,) = parse_qs(request.content.decode())["patient"]
    visits = [
        {
            "resourceType": "Encounter",
            "id": f"e-{patient}",
            "status": "finished",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": {"reference": f"Patient/{patient}"},
            "period": {"start": "2026-03-01T10:00:00Z"},
        }
        for patient in patients.split(",")
    ]
    return httpx.Response(200, json=_bundle(visits), headers=FHIR)


def _bundle(resources, following=None):
    link = [{"relation": "next", "url": following}] if following else []
    return {"resourceType": "Bundle", "link": link, "entry": [{"resource": each} for each in resources]}


def _asked(mock):
    return [call.request for call in mock.calls]


def test_an_unconfigured_address_is_never_written_to(personalize, far):
    said = personalize("run", FAR, "--as-of", "2026-07-01", "--apply")
    assert said.code == 2
    assert "nothing is written to an address that is neither on this machine nor named in personalize.toml" in said.err
    assert _asked(far) == []


def test_of_an_unconfigured_address_at_most_50_patients_are_read_and_ids_stay_out_of_urls(personalize, far):
    said = personalize("run", FAR, "--as-of", "2026-07-01", "--json")
    assert said.code == 0, said.err
    assert (said.json["pulled"]["Patient"], said.json["pulled"]["Encounter"]) == (50, 50)
    assert any("--patient-limit" in note for note in said.json["notes"])
    for request in _asked(far):
        assert request.method == "GET" or request.url.path.endswith("/_search")
        assert "far1" not in str(request.url)


def test_patient_limit_raises_the_50(personalize, far):
    assert personalize("run", FAR, "--json", "--patient-limit", "55").json["pulled"]["Patient"] == 55


def test_a_plan_for_an_unconfigured_address_cannot_be_applied_later(personalize, far):
    personalize("run", FAR, "--as-of", "2026-07-01")
    asked = len(_asked(far))
    said = personalize("apply", FAR)
    assert said.code == 2
    assert all(request.method == "GET" for request in _asked(far)[asked:])


def test_patient_is_written_only_where_its_owner_asked_for_it(personalize, far, tmp_path):
    (tmp_path / "personalize.toml").write_text(f'installation = "clinic"\n[sources.far]\nurl = "{FAR}"\n')
    said = personalize("run", "far", "--write", "patient", "--apply")
    assert said.code == 2
    assert 'set write = "patient" under that source' in said.err.lower()
    assert _asked(far) == []


@pytest.mark.parametrize(("owner", "asked"), [("none", "observation"), ("none", "patient"), ("observation", "patient")])
@pytest.mark.parametrize("more", [["--apply"], []])
def test_write_may_only_lower_what_the_owner_set(personalize, far, tmp_path, owner, asked, more):
    _far(tmp_path, owner)
    said = personalize("run", "far", "--write", asked, *more)
    assert said.code == 2
    assert f"goes further than this source's owner allows, which is {owner}" in said.err
    assert f'set write = "{asked}"' in said.err
    assert _asked(far) == []


def _far(tmp_path, write):
    (tmp_path / "personalize.toml").write_text(
        f'installation = "clinic"\n[sources.far]\nurl = "{FAR}"\nwrite = "{write}"\n'
    )


@pytest.mark.parametrize(("owner", "asked"), [("patient", "observation"), ("observation", "none"), ("none", "none")])
def test_write_may_lower_it(personalize, far, tmp_path, owner, asked):
    _far(tmp_path, owner)
    assert personalize("run", "far", "--as-of", "2026-07-01", "--write", asked).code == 0


def test_on_this_machine_write_may_be_anything(personalize, planted_sandbox, tmp_path):
    (tmp_path / "personalize.toml").write_text(f'[sources.near]\nurl = "{planted_sandbox.url}"\nwrite = "none"\n')
    said = personalize("run", "near", "--as-of", "2026-07-01", "--write", "patient", "--apply", "--json")
    assert said.code == 0, said.err
    assert said.json["rung"]["patient"] == 15


def test_a_plan_is_not_applied_further_than_the_owner_allows_by_then(personalize, far, tmp_path):
    _far(tmp_path, "observation")
    assert personalize("run", "far", "--as-of", "2026-07-01").code == 0
    _far(tmp_path, "none")
    asked = len(_asked(far))
    said = personalize("apply", "far")
    assert said.code == 2
    assert "the source's owner allows none by now" in said.err
    assert "Plan again" in said.err
    assert _asked(far)[asked:] == []


def test_with_write_none_the_server_is_read_for_the_pull_alone(personalize, far):
    assert personalize("run", FAR, "--as-of", "2026-07-01", "--write", "none").code == 0
    assert not [each for each in _asked(far) if "Observation" in each.url.path or "Device" in each.url.path]


def test_of_an_unconfigured_address_only_the_panels_of_the_patients_read_are_asked_for(personalize, far):
    assert personalize("run", FAR, "--as-of", "2026-07-01").code == 0
    asked = [each for each in _asked(far) if "Observation" in each.url.path]
    assert [(each.method, each.url.path) for each in asked] == [("POST", "/r4/Observation/_search")] * 2
    for each in asked:
        form = parse_qs(each.content.decode())
        assert len(form["patient"][0].split(",")) == 25
        assert "installation|local" in form["_tag"][0]


def test_an_installation_without_a_name_writes_to_this_machine_only(personalize, far, tmp_path):
    (tmp_path / "personalize.toml").write_text(f'[sources.far]\nurl = "{FAR}"\n')
    said = personalize("run", "far", "--apply")
    assert said.code == 2
    assert "this installation has no name yet" in said.err


def test_a_name_that_leads_to_this_machine_and_elsewhere_is_not_loopback(monkeypatch):
    from service.server.egress import loopback_address

    def found(*_words, **_more):
        return [(2, 1, 6, "", (address, 80)) for address in ("127.0.0.1", "192.0.2.7")]

    monkeypatch.setattr("socket.getaddrinfo", found)
    assert loopback_address("http://localhost.example.org/fhir") is None


def test_a_token_is_masked_and_sent_only_to_its_source(personalize, far, tmp_path):
    (tmp_path / "personalize.toml").write_text(f'[sources.far]\nurl = "{FAR}"\ntoken = "sesame-7"\n')
    said = personalize("run", "far", "--as-of", "2026-07-01", "--json")
    assert said.code == 0, said.err
    assert {request.headers["Authorization"] for request in _asked(far)} == {"Bearer sesame-7"}
    assert "sesame-7" not in said.out + said.err
    assert not any("sesame-7" in file.read_text(errors="replace") for file in tmp_path.glob("lake/**/*.json"))


def test_the_lake_is_for_its_owner_alone(personalize, planted_sandbox, tmp_path):
    personalize("run", planted_sandbox.url, "--as-of", "2026-07-01")
    modes = {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "lake").rglob("*") if path.is_file()}
    assert modes == {"0o600"}
    assert {oct(p.stat().st_mode & 0o777) for p in (tmp_path / "lake").rglob("*") if p.is_dir()} == {"0o700"}


def test_json_is_one_document_on_stdout(personalize, planted_sandbox):
    said = personalize("run", planted_sandbox.url, "--as-of", "2026-07-01", "--json")
    assert set(json.loads(said.out)) >= {
        "run",
        "source",
        "fhir_version",
        "as_of",
        "pulled",
        "set_aside",
        "profiles",
        "levels",
        "plan",
        "written",
        "rung",
        "seconds",
    }
