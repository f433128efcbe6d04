"""Who the patients are, as the raw Patient resources say it; for the equity report alone."""

import ast
import json
from pathlib import Path

import pytest

from service.report.context import AXES, context, strata

from .runs import Person, engine, lake_of

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
SERVICE = Path(__file__).parents[2] / "service"


def of(tmp_path, resource, axis, **more):
    basis = lake_of(tmp_path, {"p": Person(resource=resource)})
    with engine(tmp_path) as at:
        return at.row(context(basis, at, **more))[axis]


def category(name, *codes, url="ombCategory"):
    parts = [{"url": url, "valueCoding": {"code": code, "display": f"called {code}"}} for code in codes]
    return {"extension": [{"url": f"{US_CORE}{name}", "extension": parts}]}


def language(*codes, preferred=None):
    spoken = [{"language": {"coding": [{"code": code}]}} for code in codes]
    for each in spoken:
        if each["language"]["coding"][0]["code"] == preferred:
            each["preferred"] = True
    return {"communication": spoken}


def extension(url, **value):
    return {"extension": [{"url": url, **value}]}


@pytest.mark.parametrize(
    ("resource", "axis", "stratum"),
    [
        ({"gender": "female"}, "sex", "female"),
        ({}, "sex", "unknown"),
        ({"birthDate": "2008-07-02"}, "age", "0-17"),
        ({"birthDate": "2008-07-01"}, "age", "18-44"),
        ({"birthDate": "1951"}, "age", "75 and over"),
        ({"birthDate": "1951-08"}, "age", "65-74"),
        ({"birthDate": "1890-01-01"}, "age", "unknown"),
        ({"birthDate": "2027-01-01"}, "age", "unknown"),
        ({"birthDate": "yesterday"}, "age", "unknown"),
        (language("en-US", "es"), "language", "en"),
        (language("en", "es-MX", preferred="es-MX"), "language", "es"),
        ({}, "language", "unknown"),
        (extension("http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired", valueBoolean=True),
         "interpreter", "needed"),
        (extension("http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired", valueBoolean=False),
         "interpreter", "not needed"),
        (extension(f"{US_CORE}interpreter-needed", valueCoding={"code": "373066001"}), "interpreter", "needed"),
        (extension(f"{US_CORE}interpreter-needed", valueCoding={"code": "373067005"}), "interpreter", "not needed"),
        ({}, "interpreter", "unknown"),
        (category("race", "2054-5"), "race", "Black or African American"),
        (category("race", "2054-5", "2106-3"), "race", "two or more"),
        (category("race", "UNK"), "race", "unknown"),
        (category("race", "2054-5", url="detailed"), "race", "unknown"),
        (category("ethnicity", "2135-2"), "ethnicity", "Hispanic or Latino"),
        ({}, "rurality", "unknown"),
        ({"address": [{"extension": [{
            "url": "https://www.minsalud.gov.co/ihc/fhir/StructureDefinition/co-address-zonaResidencia",
            "valueCoding": {"code": "02", "display": "Rural"}}]}]}, "rurality", "Rural"),
    ],
)  # fmt: skip
def test_a_stratum(tmp_path, resource, axis, stratum):
    assert of(tmp_path, resource, axis) == stratum


def test_a_hospital_names_its_own_extension_for_rurality(tmp_path):
    resource = extension("https://hospital.example/ruca", valueCode="10")
    assert of(tmp_path / "a", resource, "rurality") == "unknown"
    assert of(tmp_path / "b", resource, "rurality", rurality=["https://hospital.example/ruca"]) == "10"


def test_of_several_versions_the_newest_and_lines_of_another_shape_are_nobody(tmp_path):
    basis = lake_of(tmp_path, {})
    lines = [
        {"id": "p", "gender": "male", "meta": {"lastUpdated": "2026-01-02T00:00:00Z"}},
        {"id": "p", "gender": "female", "meta": {"lastUpdated": "2026-01-01T00:00:00Z"}},
        {"id": "odd", "gender": "male", "extension": {"url": "no list"}},
    ]
    (basis.raw / "Patient.ndjson").write_text("".join(json.dumps(each) + "\n" for each in lines) + "{\n")
    with engine(tmp_path) as at:
        rows = list(at.rows(context(basis, at)))
    assert [(row["patient"], row["sex"]) for row in rows] == [("Patient/p", "male")]


def test_beyond_the_eight_largest_strata_are_pooled_and_unknown_is_not(tmp_path):
    people = {f"p{n}-{m}": Person(resource=language(f"l{n}")) for n in range(10) for m in range(12 - n)}
    basis = lake_of(tmp_path, people | {"silent": Person()})
    with engine(tmp_path) as at:
        rows = list(at.rows(strata(context(basis, at), "language")))
    counted = [row["stratum"] for row in rows]
    assert {name: counted.count(name) for name in ("l0", "l7", "others", "unknown")} == {
        "l0": 12, "l7": 5, "others": 4 + 3, "unknown": 1,
    }  # fmt: skip


def test_nothing_that_decides_reads_it():
    """Only the equity report imports the context, and facts hold none of race, ethnicity, sex or rurality."""
    importing = [
        path.relative_to(SERVICE).as_posix()
        for path in SERVICE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "service.report.context"
    ]
    assert set(importing) == {"report/equity.py", "shown.py"}
    assert set(AXES) == {"sex", "age", "language", "interpreter", "race", "ethnicity", "rurality"}
    told = "".join(path.read_text() for part in ("derive", "flatten") for path in (SERVICE / part).glob("*.py"))
    assert not [word for word in ("us-core-race", "us-core-ethnicity", ".gender", "rurality") if word in told]
