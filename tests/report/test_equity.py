"""A planted population, equal in need: a biased policy is caught, the shipped one is not; small cells stay hidden."""

import datetime as dt
import json
from importlib.resources import files

import pytest
from fhir.resources.R4B.measurereport import MeasureReport

from service.compose.content import encode
from service.errors import WrongUsage
from service.report import equity, equity_text

from .runs import Person, engine, lake_of

RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"
GROUPS = {"2106-3": "White", "2054-5": "Black or African American"}
NEEDS = {0: 60, 1: 60, 2: 20, 4: 12}  # emergency visits of the year, and of how many in each group
LAST_DAY = dt.date(2026, 6, 25)
# Equal in need, but of the second group few reach the outpatient clinic, or are billed much there.
OUTPATIENT_VISITS = {"White": lambda n: 6 if n % 5 else 1, "Black or African American": lambda n: 1 if n % 5 else 6}

BIASED_LEVEL = """
[[level.any]]
measure = "outpatient-visits-p1y"
comparator = ">="
threshold = 6
source = "planted: reads use of outpatient care for need"

"""
BIASED_PATHWAY = """
[[pathway]]
name = "preferred-scheduling"
levels = ["intensive"]

[[pathway.any]]
measure = "billed-charges-p1y"
comparator = ">="
threshold = 5000
unit = "USD"
source = "planted: reads charges for need"

"""


def resources():
    for code, group in GROUPS.items():
        numbers = [need for need, times in NEEDS.items() for _ in range(times)]
        for n, need in enumerate(numbers):
            yield from person(f"{code}-{n}", code, need, OUTPATIENT_VISITS[group](n))


def person(who, code, emergencies, clinics):
    part = {"url": "ombCategory", "valueCoding": {"system": "urn:oid:2.16.840.1.113883.6.238", "code": code}}
    yield {
        "resourceType": "Patient", "id": who, "birthDate": "1970-01-01",
        "extension": [{"url": RACE, "extension": [part]}],
    }  # fmt: skip
    for n in range(emergencies):
        yield visit(f"{who}-e{n}", who, "EMER", n)
    for n in range(clinics):
        yield visit(f"{who}-c{n}", who, "AMB", n + 30)
        yield claim(f"{who}-b{n}", who, n + 30)


def visit(id, who, kind, days):
    day = (LAST_DAY - dt.timedelta(days=9 * days)).isoformat()
    return {
        "resourceType": "Encounter", "id": id, "status": "finished", "subject": {"reference": f"Patient/{who}"},
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": kind},
        "participant": [{"individual": {"reference": "Practitioner/one"}}],
        "period": {"start": f"{day}T09:00:00Z", "end": f"{day}T10:00:00Z"},
    }  # fmt: skip


def claim(id, who, days):
    return {
        "resourceType": "Claim", "id": id, "status": "active", "use": "claim",
        "patient": {"reference": f"Patient/{who}"}, "total": {"value": 1000, "currency": "USD"},
        "created": (LAST_DAY - dt.timedelta(days=9 * days)).isoformat(),
    }  # fmt: skip


@pytest.fixture
def judged(personalize, sandbox, tmp_path):
    """The report by race after a whole derivation by that policy, at the front door."""
    sandbox.store.load(json.dumps(each).encode() for each in resources())

    def ask(policy=None, *words):
        shipped = files("service.derive").joinpath("policy.toml").read_text()
        (tmp_path / "policy.toml").write_text(policy(shipped) if policy else shipped)
        for stage in (["pull"], ["flatten"], ["derive", "--as-of", "2026-07-01", "--policy", tmp_path / "policy.toml"]):
            said = personalize(stage[0], sandbox.url, *stage[1:])
            assert said.code == 0, said.err
        return personalize("report", "equity", sandbox.url, "--by", "race", *words)

    return ask


def biased_level(shipped):
    return shipped.replace('name = "enhanced"\n', f'name = "enhanced"\n{BIASED_LEVEL}', 1)


def biased_pathway(shipped):
    head, _, tail = shipped.partition('[[pathway]]\nname = "preferred-scheduling"')
    return head + BIASED_PATHWAY + tail[tail.index("[[pathway]]") :]


def lower(said):
    return {
        (each["what"], each["need"]): [one["stratum"] for one in each["strata"] if one["lower"]]
        for each in said.json["comparisons"]
        if each["need"] and any(one["lower"] for one in each["strata"])
    }


def test_the_shipped_policy_serves_those_equal_in_need_alike(judged):
    said = judged(None, "--json")
    assert lower(said) == {}
    (level,) = [each for each in said.json["comparisons"] if each["need"] == "2-3" and each["what"].startswith("level")]
    assert {one["stratum"]: (one["n"], one["selected"]) for one in level["strata"]} == {
        "White": (20, 20), "Black or African American": (20, 20),
    }  # fmt: skip


def test_a_policy_that_takes_use_for_need_is_caught(judged, personalize, sandbox):
    said = judged(biased_level, "--json")
    found = lower(said)
    assert found["level above standard", "1"] == ["Black or African American"]
    assert all(strata == ["Black or African American"] for strata in found.values())
    table = personalize("report", "equity", sandbox.url, "--by", "race").out
    assert "lower at equal need: level above standard of Black or African American (by race, need 0); level" in table
    assert "a question, not an answer" in table and "who does not reach care seems to need none" in table


def test_a_pathway_that_reads_charges_is_caught(judged):
    found = lower(judged(biased_pathway, "--json"))
    assert found and set(found) <= {("preferred-scheduling", need) for need in ("0", "1", "2-3")}
    assert all(strata == ["Black or African American"] for strata in found.values())


def test_what_there_is_no_axis_for(tmp_path):
    with engine(tmp_path) as at, pytest.raises(WrongUsage, match="there is no axis income"):
        equity(lake_of(tmp_path, {}), at, ["income"])


def people(**groups):
    """Of each sex (band of need: number, of them above standard), ..."""
    found = {}
    for sex, bands in groups.items():
        for need, (number, above) in bands.items():
            for n in range(number):
                measures = {"ed-visits-p1y": need, "stays-p1y": 0}
                level = "enhanced" if n < above else "standard"
                found[f"{sex}-{need}-{n}"] = Person(measures, level=level, resource={"gender": sex})
    return found


def asked(folder, everybody, **more):
    basis = lake_of(folder, everybody, **more)
    with engine(folder) as at:
        return equity(basis, at, ["sex"]), basis


def strata(found, need=None):
    (comparison,) = [each for each in found.comparisons if each.need == need and each.what == "level above standard"]
    return {each.stratum: (each.n, each.selected) for each in comparison.strata}


def test_a_small_stratum_is_hidden_with_the_next_smallest_and_both_are_compared_as_one(tmp_path):
    found, _ = asked(tmp_path, people(female={0: (60, 20)}, male={0: (50, 15)}, other={0: (4, 2)}))
    assert strata(found) == {
        "female": (60, 20), "male, other together": (54, 17), "male": (None, None), "other": (None, None),
    }  # fmt: skip


def test_a_small_number_selected_is_hidden_with_the_next_smallest(tmp_path):
    found, _ = asked(tmp_path, people(female={0: (60, 20)}, male={0: (50, 4)}, other={0: (45, 30)}))
    shown = strata(found)
    assert shown["male"] == (50, None)
    assert sorted(selected for _, selected in shown.values() if selected is not None) == [30]


def test_bands_of_need_do_not_give_away_what_all_together_hide(tmp_path):
    found, _ = asked(tmp_path, people(female={0: (60, 20), 2: (30, 15)}, male={0: (50, 13), 2: (40, 4)}))
    of_all, small, rest = strata(found), strata(found, "2-3"), strata(found, "0")
    assert small["male"][1] is None
    for shown in (of_all, small, rest):
        for other in ("male", "female"):
            assert shown[other][1] is None or shown[other][1] > 10
    if of_all["male"][1] is not None:
        assert rest["male"][1] is None
    if rest["male"][1] is not None:
        assert of_all["male"][1] is None


def test_none_selected_is_shown_for_it_is_no_small_cell(tmp_path):
    found, _ = asked(tmp_path, people(female={0: (60, 30)}, male={0: (50, 0)}))
    assert strata(found)["male"] == (50, 0)
    (comparison,) = [each for each in found.comparisons if each.need == "0"]
    assert comparison.lower == ["male"] and found.marked == [comparison]


def test_accommodations_differ_by_design_and_are_not_marked(tmp_path):
    everybody = people(female={0: (60, 0)}, male={0: (50, 0)})
    for who, each in everybody.items():
        each.pathways = ["interpreter"] if who.startswith("female") else []
    found, _ = asked(tmp_path, everybody)
    assert found.marked == []


def test_unknown_need_is_a_band_of_its_own(tmp_path):
    everybody = people(female={0: (30, 12)}) | {
        f"x{n}": Person({"ed-visits-p1y": "not-exposed", "stays-p1y": 0}, resource={"gender": "female"})
        for n in range(20)
    }
    found, _ = asked(tmp_path, everybody)
    assert strata(found, "unknown") == {"female": (20, 0)}


def test_nobody_and_a_restricted_pull(tmp_path):
    found, _ = asked(tmp_path, {}, restricted=True)
    assert found.n == 0 and "restricted pull" in found.notes[0]
    assert any("restricted pull" in line for line in equity_text.lines(found))


def test_a_measure_report_is_valid_r4(tmp_path):
    found, basis = asked(tmp_path, people(female={0: (60, 20)}, male={0: (50, 15)}, other={0: (4, 2)}))
    document = json.loads(encode(equity_text.summary(found, basis)))
    MeasureReport.model_validate(document)
    (stratifier,) = document["group"][0]["stratifier"]
    by_name = {stratum["value"]["text"]: stratum for stratum in stratifier["stratum"]}
    assert by_name["female"]["measureScore"]["value"] == 0.3333
    assert by_name["other"]["population"][0]["_count"]["extension"][0]["valueCode"] == "masked"
