"""Something that nobody here wrote judges what we publish and what we write: HL7's validator, in STU3, R4 and R5.

It loads our package.tgz as it would load any guide, and has no network. It takes a minute for each version.
"""

import datetime as dt
import json
import subprocess
import sys

import pytest
from required import require

from fhir_profiles import artefacts, examples
from service.compose import compose, device, read_edition
from service.compose.shapes import lowered
from service.sandbox.server import running

from .hapi.server import missing_tools
from .loading import DATA
from .validator.negative import RULES, negatives
from .validator.validating import FOLDERS, RELEASED, judged

PLANTED = DATA / "planted"
NOW = dt.datetime(2026, 7, 1, 2, 30, tzinfo=dt.UTC)

# What remains to be said of what is right: words of it, and why they stand.
WARNINGS = {
    "dom-6": "no narrative: the resources are for machines, and words about a patient are a second place to leak from",
    "should have a performer": "the device made it; a performer is a person, and stands there once one has looked",
    "The Measure 'https://w3id.org/fhir-personalization/Measure/": "the validator asks its support for no Measure",
    "is not fully defined and populated, and no targetScope": "LOINC and SNOMED CT are licensed, so not in it",
    "the target code checking will not be performed": "as above",
    "'V3 Value SetPurposeOfUse'": "the reason of a review is in a person's words",
    "provenance-participant-role": "STU3's validator does not hold the code system that STU3 names for agents",
    "SecurityRoleType": "STU3 recommends roles of security, and the agent here is a verifier or an author",
    "value set 'Personalization levels'": "a Flag of a patient without a level says so in words, and flags nothing",
    "stratifier should have a code": "the Measures tell their groups in words",
}


REPORTS = (
    *(("top", "--by", by, "--format", form) for by in ("visits", "charges") for form in ("list", "measurereport")),
    ("equity", "--format", "measurereport"),
    ("fragmentation", "--format", "measurereport"),
)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Where a whole run on the planted patients left its lake, and what reports it gives as FHIR, by name."""
    folder = tmp_path_factory.mktemp("run")

    def personalize(*words):
        whole = [sys.executable, "-m", "service.cli", *words]
        return subprocess.run(whole, cwd=folder, check=True, capture_output=True).stdout

    with running(patients=0) as server:
        server.store.load(line for kind in sorted(PLANTED.glob("*.ndjson")) for line in kind.read_bytes().splitlines())
        personalize("run", server.url, "--as-of", "2026-07-01", "--json")
        reports = {
            " ".join(each): json.loads(personalize("report", each[0], server.url, *each[1:])) for each in REPORTS
        }
    return folder, reports


@pytest.fixture(scope="module")
def derived(ran):
    (profiles,) = (ran[0] / "lake" / "profiles").glob("*/*")
    return profiles


@pytest.fixture(scope="module", params=FOLDERS)
def version(request):
    require(missing_tools(), "HL7's validator")
    return request.param


@pytest.fixture(scope="module")
def answers(version, derived, ran, tmp_path_factory, real_parts):
    """What is said of everything in this version, from one JVM: it takes up to a minute to be ready."""
    published = [*artefacts(FOLDERS[version]), *examples(FOLDERS[version])]
    resources = {f"published {each['resourceType']}-{each['id']}": each for each in published}
    resources |= {f"negative {name}": resource for name, resource, _ in negatives(FOLDERS[version])}
    resources |= {f"run {name}": resource for name, resource in written(derived, version)}
    if version == "R4":  # the only one in which reports are given
        resources |= {f"report {name}": report for name, report in ran[1].items()}
    real_parts.append(f"HL7's validator in HAPI {RELEASED} for {version}")
    return judged(version, tmp_path_factory.mktemp(version), resources)


def written(profiles, version):
    """What would be sent, on every rung."""
    its = read_edition(profiles, source_id="s", installation="i", recorded=NOW, fhir_version=version)
    yield "device", device(its)
    for n, each in enumerate(compose(profiles, its)):
        for shape in ("Observation", "Flag", "DocumentReference"):
            shaped = each if shape == "Observation" else lowered(each, shape, its.identity, its.release)
            yield from ((f"{n}-{shape}", shaped.panel), (f"{n}-{shape}-provenance", shaped.provenance))
        if each.extension:
            yield f"{n}-patient", {"resourceType": "Patient", "id": f"p{n}", "extension": [each.extension]}


def rejections(answers, kind):
    """By name, what is said against each."""
    chosen = {name: issues for name, issues in answers.items() if name.startswith(f"{kind} ")}
    return {name: [str(issue) for issue in issues if issue.wrong] for name, issues in chosen.items()}


@pytest.mark.parametrize(("kind", "least"), [("published", 50), ("run", 50)])
def test_what_is_published_and_what_a_run_writes_is_right(answers, kind, least):
    told = rejections(answers, kind)
    assert len(told) > least
    assert {name: said for name, said in told.items() if said} == {}


def test_reports_are_right(answers, version):
    told = rejections(answers, "report")
    assert len(told) == (len(REPORTS) if version == "R4" else 0)
    assert {name: said for name, said in told.items() if said} == {}


def test_each_negative_example_is_rejected_by_the_rule_meant_for_it(version, answers):
    told = rejections(answers, "negative")
    wanted = {f"negative {name}": rule for name, _, rule in negatives(FOLDERS[version])}
    missed = {name: told[name] for name, rule in wanted.items() if not any(rule in said for said in told[name])}
    assert missed == {}


def test_every_warning_has_its_reason(answers):
    kept = [name for name in answers if not name.startswith("negative ")]
    said = {issue.words for name in kept for issue in answers[name] if issue.severity == "warning"}
    assert {words for words in said if not any(known in words for known in WARNINGS)} == set()


def test_every_rule_has_an_example_that_breaks_it():
    keys = {
        rule["key"]
        for definition in artefacts("r4")
        for element in definition.get("differential", {}).get("element", ())
        for rule in element.get("constraint", ())
    }
    assert keys == {rule for _, _, rule in RULES.values() if rule.startswith("pers-")}
