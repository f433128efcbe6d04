"""A person's review through the front door: what is held, what a decision changes, until when, what is said."""

import json
from datetime import date

import httpx
import pytest

DAY_ONE, DAY_TWO = "2026-07-01", "2026-07-02"
BASE = "https://w3id.org/fhir-personalization"
EXTENSION = f"{BASE}/StructureDefinition/patient-personalization"
PERSON, WHY = "Dr. A. Example", "seen in the team meeting"
BUSY = "p03-emergency"  # intensive, with pathways


@pytest.fixture
def hospital(personalize, planted_sandbox, tmp_path):
    """A source whose intensive profiles are held; `night` is a run of it, written."""
    return Hospital(personalize, planted_sandbox, tmp_path)


class Hospital:
    def __init__(self, personalize, sandbox, folder):
        self.personalize, self.sandbox, self.folder = personalize, sandbox, folder
        self.rule("intensive")

    def rule(self, review, more=""):
        (self.folder / "personalize.toml").write_text(
            f'[sources.clinic]\nurl = "{self.sandbox.url}"\nwrite = "patient"\nreview = "{review}"\n{more}'
        )

    def night(self, day=DAY_ONE, *more):
        said = self.personalize("run", "clinic", "--as-of", day, "--apply", "--json", *more)
        assert said.code == 0, said.err
        return said.json

    def counted(self):
        """The same profiles planned and applied again, as `review` says when it is done."""
        assert self.personalize("plan", "clinic").code == 0
        said = self.personalize("apply", "clinic", "--json")
        assert said.code == 0, said.err
        return said.json

    def review(self, decision, patient, *more, by=PERSON, reason=WHY):
        said = self.personalize("review", decision, "clinic", patient, "--by", by, "--reason", reason, *more)
        assert said.code == 0, said.err
        return said.out

    def panel(self, patient):
        found = httpx.get(f"{self.sandbox.url}/Observation?patient={patient}").json()["entry"]
        (panel,) = [entry["resource"] for entry in found]
        return panel

    def app(self, patient):
        """What any app asks: the profile that counts."""
        query = f"patient={patient}&code={BASE}/CodeSystem/personalization-measure|profile&status=final,amended"
        return httpx.get(f"{self.sandbox.url}/Observation?{query}").json().get("entry", [])

    def borne(self, patient):
        resource = httpx.get(f"{self.sandbox.url}/Patient/{patient}").json()
        return next((each for each in resource.get("extension", []) if each["url"] == EXTENSION), None)

    def provenances(self, patient):
        query = f"target=Observation/{self.panel(patient)['id']}"
        return [entry["resource"] for entry in httpx.get(f"{self.sandbox.url}/Provenance?{query}").json()["entry"]]

    def explain(self, patient):
        return self.personalize("explain", "clinic", patient).out

    def versions(self):
        return self.sandbox.versions()


def test_without_a_rule_nothing_is_held(hospital):
    hospital.rule("none")
    hospital.night()
    assert hospital.panel(BUSY)["status"] == "final"
    assert "nobody waits" in hospital.personalize("review", "list", "clinic").out


def test_a_held_profile_is_preliminary_off_the_patient_and_out_of_the_apps_query(hospital):
    hospital.night()
    assert hospital.panel(BUSY)["status"] == "preliminary"
    assert hospital.borne(BUSY) is None
    assert hospital.app(BUSY) == []
    assert hospital.panel("p02-preventive")["status"] == "final"
    assert hospital.borne("p02-preventive") is not None


def test_with_all_every_level_waits_but_where_there_is_none_there_is_nothing_to_decide(hospital):
    hospital.rule("all")
    hospital.night()
    statuses = {patient: hospital.panel(patient)["status"] for patient in (BUSY, "p02-preventive", "p08-deceased")}
    assert statuses == {BUSY: "preliminary", "p02-preventive": "preliminary", "p08-deceased": "final"}


def test_the_list_says_who_waits_and_why(hospital):
    hospital.night()
    out = hospital.personalize("review", "list", "clinic").out
    assert f"Patient/{BUSY}  intensive: preferred-scheduling, proactive-outreach" in out
    assert "held until a person accepts it" in out
    assert "ed-frequent: ed-visits-p1y 4" in out
    listed = hospital.personalize("review", "list", "clinic", "--json").json
    assert {each["verdict"]["status"] for each in listed} == {"preliminary"}
    assert f"Patient/{BUSY}" in [each["patient"] for each in listed]


def test_once_accepted_it_counts_and_says_who_stands_for_it(hospital):
    hospital.night()
    assert "accepted by Dr. A. Example" in hospital.review("accept", BUSY)
    hospital.counted()
    panel = hospital.panel(BUSY)
    assert (panel["status"], panel["performer"]) == ("final", [{"display": PERSON}])
    assert len(hospital.app(BUSY)) == 1
    assert hospital.borne(BUSY) is not None
    (reviewed,) = [each for each in hospital.provenances(BUSY) if len(each["agent"]) == 2]
    assert reviewed["agent"][1]["who"] == {"display": PERSON}
    assert reviewed["agent"][1]["type"]["coding"][0]["code"] == "verifier"
    assert reviewed["reason"] == [{"text": f"accepted: {WHY}"}]


def test_what_was_accepted_stays_so_and_is_not_written_again(hospital):
    hospital.night()
    hospital.review("accept", BUSY)
    hospital.counted()
    stood = hospital.versions()
    assert hospital.counted()["written"] == {}
    assert hospital.versions() == stood
    assert "review: accepted by Dr. A. Example" in hospital.explain(BUSY)


def test_declined_after_it_was_final_is_entered_in_error_and_comes_off_the_patient(hospital):
    hospital.rule("none")
    hospital.night()
    hospital.review("decline", BUSY)
    hospital.counted()
    assert hospital.panel(BUSY)["status"] == "entered-in-error"
    assert hospital.borne(BUSY) is None
    assert hospital.app(BUSY) == []
    stood = hospital.versions()
    assert hospital.counted()["written"] == {}
    assert hospital.versions() == stood


def test_declined_while_it_was_held_is_cancelled(hospital):
    hospital.night()
    hospital.review("decline", BUSY)
    hospital.counted()
    assert hospital.panel(BUSY)["status"] == "cancelled"


def test_an_override_is_what_counts_and_the_derived_level_is_still_explained(hospital):
    hospital.night()
    hospital.review(
        "override", BUSY, "--level", "enhanced", "--pathway", "-proactive-outreach", "--pathway", "+usual-clinician"
    )
    hospital.counted()
    panel, bears = hospital.panel(BUSY), json.dumps(hospital.borne(BUSY))
    assert panel["status"] == "final"
    assert panel["valueCodeableConcept"]["coding"][0]["code"] == "enhanced"
    assert "usual-clinician" in bears
    assert "proactive-outreach" not in bears
    (author,) = [each for each in hospital.provenances(BUSY) if len(each["agent"]) == 2]
    assert author["agent"][1]["type"]["coding"][0]["code"] == "author"
    explained = hospital.explain(BUSY)
    assert "level: intensive" in explained
    assert "review: overridden by Dr. A. Example" in explained
    assert "(level enhanced, +usual-clinician, -proactive-outreach)" in explained


def test_a_decision_ends_on_its_day_and_explain_says_so(hospital):
    hospital.rule("none")
    hospital.night()
    hospital.review("decline", BUSY, "--until", DAY_ONE)
    hospital.counted()
    assert hospital.panel(BUSY)["status"] == "entered-in-error"
    hospital.night(DAY_TWO)
    assert hospital.panel(BUSY)["status"] == "amended"
    assert hospital.borne(BUSY) is not None
    assert f"no longer declined (by {PERSON}): it ended on {DAY_ONE}" in hospital.explain(BUSY)


def test_a_decision_ends_when_its_grounds_change(hospital, tmp_path):
    hospital.rule("all")
    hospital.night()
    hospital.review("accept", BUSY)
    hospital.counted()
    policy, rare = tmp_path / "own.toml", 'threshold = 9\nunit = "1"\nrationale = "ed-frequent"'
    policy.write_text(_shipped().replace(rare.replace("9", "4"), rare))
    hospital.personalize("derive", "clinic", "--as-of", DAY_ONE, "--policy", policy)
    hospital.counted()
    assert hospital.panel(BUSY)["status"] == "preliminary"
    assert hospital.borne(BUSY) is None
    changed = (
        "its grounds changed from intensive (ed-frequent, ed-visits, last-preventive-visit) to enhanced (ed-visits"
    )
    assert f"no longer accepted (by {PERSON}): {changed}" in hospital.explain(BUSY)


def _shipped():
    from importlib.resources import files

    return files("service.derive").joinpath("policy.toml").read_text()


def test_no_decision_gives_a_level_to_who_has_died(hospital):
    unknown = "nothing-usable"
    hospital.sandbox.store.put(b'{"resourceType":"Patient","id":"nothing-usable"}')
    visit = {"resourceType": "Encounter", "id": "undated", "subject": {"reference": f"Patient/{unknown}"}}
    hospital.sandbox.store.put(json.dumps(visit).encode())
    hospital.night()
    assert hospital.panel(unknown)["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    hospital.review("override", unknown, "--level", "intensive", "--pathway", "+proactive-outreach")
    hospital.night()
    assert hospital.panel(unknown)["valueCodeableConcept"]["coding"][0]["code"] == "intensive"
    patient = httpx.get(f"{hospital.sandbox.url}/Patient/{unknown}").json()
    httpx.put(f"{hospital.sandbox.url}/Patient/{unknown}", json={**patient, "deceasedBoolean": True})
    hospital.night()
    panel = hospital.panel(unknown)
    assert "valueCodeableConcept" not in panel
    assert panel["dataAbsentReason"]["coding"][0]["code"] == "not-applicable"
    assert hospital.borne(unknown) is None


def test_a_person_named_by_reference_is_referred_to(hospital):
    hospital.sandbox.store.put({"resourceType": "Practitioner", "id": "17"})
    hospital.night()
    hospital.review("accept", BUSY, by="Practitioner/17")
    hospital.counted()
    assert hospital.panel(BUSY)["performer"] == [{"reference": "Practitioner/17"}]


def test_every_decision_stays_on_record(hospital, tmp_path):
    from service.catalog import Catalog
    from service.reviews import recorded

    hospital.night()
    hospital.review("decline", BUSY, reason="first")
    hospital.review("accept", BUSY, reason="second", by="Dr. B. Example")
    with Catalog.open(tmp_path / "lake" / "catalog.sqlite") as catalog:
        kept = recorded(catalog, "clinic", f"Patient/{BUSY}")
    assert [(each.decision, each.person, each.reason) for each in kept] == [
        ("decline", PERSON, "first"),
        ("accept", "Dr. B. Example", "second"),
    ]
    assert all(each.decided.startswith(str(date.today().year)) for each in kept)


def test_undo_takes_a_reviewed_run_back_to_what_was_held(hospital):
    hospital.night()
    before = hospital.panel(BUSY)
    hospital.review("accept", BUSY)
    run = hospital.night()["run"]
    assert hospital.personalize("undo", run).code == 0
    after = hospital.panel(BUSY)
    assert {**after, "meta": None} == {**before, "meta": None}
    assert hospital.borne(BUSY) is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["accept", "nobody"], "this patient has no profile"),
        (["override", BUSY], "nothing is said instead"),
        (["override", BUSY, "--level", "royal"], "--level 'royal' is no level"),
        (["override", BUSY, "--pathway", "preferred-scheduling"], "is neither +CODE nor -CODE"),
        (["override", "p08-deceased", "--level", "intensive"], "this patient is deceased"),
        (["decline", BUSY, "--until", "soon"], "--until 'soon' is no date"),
        (["decline", BUSY, "--until", "2020-01-01"], "is before the profiles' own day"),
        (["decline", BUSY, "--by", " "], "it says nothing"),
    ],
)
def test_words_that_do_not_fit_are_refused_and_nothing_is_recorded(hospital, words, said):
    hospital.night()
    decision, patient, *more = words
    default = ["--by", PERSON, "--reason", WHY]
    told = hospital.personalize("review", decision, "clinic", patient, *default, *more)
    assert told.code == 2
    assert said in told.err
    assert "declined" not in hospital.personalize("review", "list", "clinic").out
