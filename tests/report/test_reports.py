"""The reports at the front door: each format, the file of the picture, what cannot be asked."""

import csv
from io import StringIO

import pytest
from fhir.resources.R4B import get_fhir_model_class

from fhir_profiles import artefacts

MEASURES = {each["url"]: each for each in artefacts("r4") if each["resourceType"] == "Measure"}
COMMANDS = [
    ("top", "--format", "table"),
    ("top", "--by", "charges", "--window", "month", "--organization"),
    ("top", "--by", "liability", "--aggregate"),
    ("top", "--aggregate", "--format", "csv"),
    ("equity",),
    ("fragmentation", "--earlier", "1"),
]


@pytest.fixture
def derived(personalize, planted_sandbox):
    for stage in ("pull", "flatten", "derive"):
        words = ["--as-of", "2026-07-01"] if stage == "derive" else []
        said = personalize(stage, planted_sandbox.url, *words)
        assert said.code == 0, said.err
    return planted_sandbox.url


def test_reports_of_the_planted_patients(personalize, derived, tmp_path):
    for name, *words in COMMANDS:
        said = personalize("report", name, derived, *words)
        assert said.code == 0 and said.out, said.err

    found = personalize("report", "top", derived, "--limit", 3, "--json").json
    assert [row["patient"] for row in found["groups"][0]["patients"]] == [
        "Patient/p07-survivor", "Patient/p12-edges", "Patient/p02-preventive",
    ]  # fmt: skip
    rows = list(csv.DictReader(StringIO(personalize("report", "top", derived, "--limit", 3, "--format", "csv").out)))
    assert [row["place"] for row in rows] == ["1", "1", "3"]

    for words, kind in (
        (("top", "--format", "list"), "List"),
        (("top", "--format", "measurereport"), "MeasureReport"),
        (("equity", "--format", "measurereport"), "MeasureReport"),
        (("fragmentation", "--format", "measurereport"), "MeasureReport"),
    ):
        document = personalize("report", words[0], derived, *words[1:]).json
        get_fhir_model_class(kind).model_validate(document)
        if kind == "MeasureReport":
            assert_measured(document, f"Measure/{words[0]}")

    for name, *words in (("top", "--aggregate"), ("equity",), ("fragmentation",)):
        said = personalize("report", name, derived, *words, "--json")
        assert "Patient/" not in said.out

    drawn = tmp_path / "f.svg"
    assert personalize("report", "fragmentation", derived, "--svg", drawn).code == 0
    assert drawn.read_text().startswith("<svg")


def assert_measured(report, name):
    """The Measure that it names is published, and says what its populations and strata are."""
    assert name in report["measure"]
    (defined,) = MEASURES[report["measure"]]["group"]
    populations = {each["code"]["coding"][0]["code"] for each in defined["population"]}
    stratifiers = {each["code"]["text"] for each in defined["stratifier"]}
    for group in report["group"]:
        told = [*group.get("stratifier", ())]
        counted = [group, *(stratum for each in told for stratum in each["stratum"])]
        assert {each["code"][0]["text"] for each in told} <= stratifiers
        assert {
            one["code"]["coding"][0]["code"] for each in counted for one in each.get("population", ())
        } <= populations


WRONG = [
    (("top", "--format", "pdf"), "this has no format pdf"),
    (("top", "--aggregate", "--format", "list"), "this has no format list"),
    (("top", "--by", "spend"), "nothing is ranked by spend"),
    (("equity", "--format", "csv"), "this has no format csv"),
    (("equity", "--by", "income"), "there is no axis income"),
    (("fragmentation", "--svg", "none/such/f.svg"), "it cannot be written"),
]


def test_what_cannot_be_asked(personalize, derived):
    for (name, *words), told in WRONG:
        said = personalize("report", name, derived, *words)
        assert said.code == 2 and told in said.err and not said.out


def test_before_anything_was_derived(personalize, sandbox):
    said = personalize("report", "equity", sandbox.url)
    assert said.code == 1 and "run `personalize derive` first" in said.err.lower()
