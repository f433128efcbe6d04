"""Views and measures of a hospital's own that are wrong: told before anything is read, with the place and a remedy."""

import json

import pytest

from service.engine import Engine
from service.errors import WrongUsage
from service.flatten.own import OwnViews

SYSTEM = 'system = "https://hospital.example/measures"\n'
PATIENT = {"name": "patient", "path": "subject.getReferenceKey(Patient)"}
MEASURE = """
import ibis
from service.derive.counts import visits
from service.derive.measure import measure
from service.derive.windows import EVER

@measure("{code}", title="T", dimension="{dimension}", windows=(EVER,), needs="{needs}", absent={absent!r})
def mine(events, window):
    {words}
    {body}
"""
GOOD = {
    "code": "mine",
    "dimension": "outcomes",
    "needs": "Encounter",
    "absent": 0,
    "words": '"""Mine."""',
    "body": 'return events.encounters.group_by("patient").agg(value=events.encounters.count())',
}


def view(*columns, resource="Observation", **more):
    return {"resource": resource, "select": [{"column": columns}], "name": "mine", **more}


@pytest.fixture
def ran(personalize, planted_sandbox, tmp_path):
    """What `run` or another command says with these files in the folder."""

    def run(files, *words, system=SYSTEM):
        (tmp_path / "own").mkdir(exist_ok=True)
        for name, content in files.items():
            (tmp_path / "own" / name).write_text(content if isinstance(content, str) else json.dumps(content))
        toml = f'[own]\nfolder = "own"\n{system}[sources.hospital]\nurl = "{planted_sandbox.url}"\n'
        (tmp_path / "personalize.toml").write_text(toml)
        return personalize(*(words or ("run", "hospital", "--as-of", "2026-07-01")))

    return run


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", ("the view is no JSON", "own/mine.json")),
        ({"resource": "Observation"}, ("the view is not valid: select: is missing", "own/mine.json")),
        (
            view(PATIENT, {"name": "x", "path": "valu"}),
            ("has no element valu", "own/mine.json: select[0].column[1].path: »valu", 'Did you mean "value"?'),
        ),
        (
            view(PATIENT, resource="Observatio"),
            ("FHIR R4 has no resource Observatio", "own/mine.json", 'Did you mean "Observation"?'),
        ),
        (view({"name": "x", "path": "status"}), ("no column `patient`", "own/mine.json", "getReferenceKey(Patient)")),
        (view({"name": "patient", "path": "id.exists()"}), ("`patient` is of type boolean", "a reference")),
        (view(PATIENT, {"name": "at", "path": "component.count()"}), ("`at` is of type int64", "dateTime")),
        (view(PATIENT, {"name": "evidence", "path": "id"}), ("has a column evidence already", "another name")),
        (view(PATIENT, name=None), ("'my-view' cannot be a table's name", 'Give the view a "name"')),
    ],
)
def test_a_view(ran, planted_sandbox, content, said):
    name = "my-view.json" if isinstance(content, dict) and content.get("name", "") is None else "mine.json"
    told = ran({name: content})
    assert told.code in (1, 2) and told.out == ""
    assert [words for words in said if words not in told.err] == [], told.err
    assert {request.path.rpartition("/")[2] for request in planted_sandbox.requests} <= {"metadata"}


def test_two_views_of_one_name(ran):
    told = ran({"a.json": view(PATIENT), "b.json": view(PATIENT)})
    assert "two views are called mine (own/a.json, own/b.json). Give one another name" in told.err


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"code": "visits"}, "has the code visits of one that is published"),
        ({"code": "My Measure"}, "lower case words"),
        ({"code": "mine-p1m"}, "ends as those of a window do"),
        ({"dimension": "health"}, "belongs to 'health', and dimensions are outcomes"),
        ({"absent": "no-idea"}, "is unknown for 'no-idea', and reasons are"),
        ({"words": ""}, "has no docstring"),
        ({"needs": "Observation"}, "needs Observation, of which the folder has no view"),
    ],
)
def test_a_measure(ran, planted_sandbox, changed, said):
    told = ran({"mine.py": MEASURE.format(**GOOD | changed)})
    assert told.code == 2 and planted_sandbox.requests == []
    assert said in told.err and "(own/mine.py)" in told.err and "docs/own-views.md" in told.err


def test_measures_without_a_code_system_or_with_ours(ran):
    files = {"mine.py": MEASURE.format(**GOOD)}
    assert 'own.system = "https://hospital.example/measures"' in ran(files, system="").err
    ours = ran(files, system='system = "https://w3id.org/fhir-personalization/CodeSystem/personalization-measure"\n')
    assert "is a published code system, to which nobody adds" in ours.err and "own.system" in ours.err
    assert "is no address of a code system" in ran(files, system='system = "mine"\n').err


def test_a_file_that_cannot_be_run(ran, planted_sandbox):
    told = ran({"mine.py": "a = 1\nb = a / 0\n"})
    assert "the file of measures cannot be run: ZeroDivisionError" in told.err and "own/mine.py, line 2" in told.err
    assert "own/mine.py, line 1" in ran({"mine.py": "def (\n"}).err
    assert planted_sandbox.requests == []


WRONG = {
    "return events.encounters.no_such_column": "the measure mine cannot be computed: AttributeError",
    'return events.own("weights")': "no view of the hospital's own is called weights",
    'return events.encounters.select("id", value=1)': "the measure mine gives no column `patient`",
    'return events.encounters.select("patient", value=1)': "gives a patient more than one row",
    'return events.people.roster.select("patient", numerator=1, denominator=0)': "neither a value, a date nor a reason",
    'return events.people.roster.select("patient", unknown=ibis.literal("lost"))': "a reason for the unknown that",
}


def test_an_expression_that_goes_wrong(ran, personalize):
    for stage in ("pull", "flatten"):
        assert ran({}, stage, "hospital").code == 0
    for body, said in WRONG.items():
        told = ran({"mine.py": MEASURE.format(**GOOD | {"body": body})}, "derive", "hospital", "--as-of", "2026-07-01")
        assert told.code == 2 and said in told.err and "Traceback" not in told.err, told.err
    assert ran({"mine.py": MEASURE.format(**GOOD)}, "derive", "hospital", "--as-of", "2026-07-01").code == 0


def test_no_folder(personalize, sandbox, tmp_path):
    (tmp_path / "personalize.toml").write_text('[own]\nfolder = "elsewhere"\n')
    told = personalize("run", sandbox.url)
    assert 'there is no such folder (own.folder = "elsewhere")' in told.err and sandbox.requests == []


def test_a_type_that_was_not_pulled(ran):
    assert ran({}, "pull", "hospital").code == 0
    told = ran({"mine.json": view(PATIENT)}, "flatten", "hospital")
    assert "no Observation was pulled, which this view is of (own/mine.json). Run `personalize pull` again" in told.err


def test_lines_that_are_not_of_their_shape_are_set_aside(ran, planted_sandbox):
    files = {"mine.json": view(PATIENT, {"name": "code", "path": "code.coding.first().code"})}
    wrong = {"resourceType": "Observation", "id": "o1", "subject": {"reference": "Patient/p12-edges"}, "code": ["x"]}
    planted_sandbox.store.load([json.dumps(wrong).encode()])
    told = ran(files, "run", "hospital", "--as-of", "2026-07-01", "--json").json
    place = {"where": "Observation/o1 (mine)", "why": "code does not have the shape that FHIR gives it"}
    assert place in told["set_aside"]


def test_a_digest_for_each_set_of_views(tmp_path):
    with Engine.open(tmp_path / "spill"):
        assert OwnViews().digest == ""
    (tmp_path / "a.json").write_text(json.dumps(view(PATIENT)))
    one = OwnViews.read(tmp_path).digest
    (tmp_path / "a.json").write_text(json.dumps(view(PATIENT, {"name": "status", "path": "status"})))
    assert one != OwnViews.read(tmp_path).digest
    with pytest.raises(WrongUsage):
        OwnViews.read(tmp_path / "none")
