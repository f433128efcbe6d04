"""FHIRPath beyond the official cases: holes in lists, extensions of primitives, dates of unlike precision, keys."""

import json

import pytest

from service.engine import Engine
from service.flatten.views import run_view
from service.flatten.views.definition import definition

PATIENT = {
    "resourceType": "Patient",
    "id": "1",
    "active": True,
    "name": [
        {
            "family": "A",
            "given": ["x", None, "y"],
            "_given": [None, {"extension": [{"url": "u", "valueString": "e"}]}, None],
        },
        {"family": "B"},
    ],
    "birthDate": "1970-05",
    "_birthDate": {"extension": [{"url": "time", "valueDateTime": "1970-05-01T10:00:00Z"}]},
    "multipleBirthInteger": 2,
    "managingOrganization": {"reference": "Organization/o/_history/3"},
    "generalPractitioner": [
        {"reference": "http://elsewhere.example/fhir/Practitioner/p"},
        {"reference": "#contained"},
        {"reference": "urn:uuid:9b0d1e2f-0000-4000-8000-000000000000"},
    ],
    "meta": {"lastUpdated": "2024-01-01T12:00:00+02:00"},
}
VALUES = {
    "Patient.id": "1",
    "name.given": ["x", "y"],
    "name.given.count()": 2,
    "name.given.extension('u').value.ofType(string)": "e",
    "birthDate.extension('time').value.ofType(dateTime)": "1970-05-01T10:00:00Z",
    "multipleBirth.exists()": True,
    "deceased.exists()": False,
    "multipleBirth.ofType(boolean).empty()": True,
    "name.exists(family = 'B')": True,
    "name.where(family = 'B' or use = 'x').family": "B",
    "name[1].family": "B",
    "name[-1].family": None,
    "name[0 + 1].family": "B",
    "name.family = 'A'": False,
    "name.family != 'A'": True,
    "contact.telecom.value": None,
    "birthDate < @1971": True,
    "birthDate = @1970": None,
    "birthDate = @1970-05": True,
    "birthDate >= @1970-05-10": None,
    "meta.lastUpdated = @2024-01-01T10:00:00Z": True,
    "meta.lastUpdated > @2024-01-01T11:00:00+02:00": True,
    "@T10:00:00 < @T10:00:00.5": True,
    "birthDate.highBoundary()": "1970-05-31",
    "meta.lastUpdated.lowBoundary()": "2024-01-01T12:00:00.000+02:00",
    "managingOrganization.getReferenceKey()": "Organization/o",
    "managingOrganization.getReferenceKey(Patient)": None,
    "generalPractitioner.getReferenceKey()": "http://elsewhere.example/fhir/Practitioner/p",
    "7 / 2": 3.5,
    "1 / 0": None,
    "2 + 3 * 4": 14,
    "-(1.5 - 2)": 0.5,
    "'it\\'s ' + id": "it's 1",
    "active and deceased.ofType(boolean)": None,
    "deceased.ofType(boolean) or active": True,
    "active.not()": False,
    "(1 = 1.0) and true": True,
    "`active`": True,
}


@pytest.fixture(scope="module")
def row(tmp_path_factory):
    """All of them as columns of one view."""
    folder = tmp_path_factory.mktemp("fhirpath")
    (folder / "Patient.ndjson").write_text(json.dumps(PATIENT) + "\n")
    columns = [
        {"name": f"c{n}", "path": path, "collection": isinstance(value, list)}
        for n, (path, value) in enumerate(VALUES.items())
    ]
    view = definition({"resource": "Patient", "select": [{"column": columns}]})
    with Engine.open(folder / "spill") as engine:
        return engine.row(run_view(view, folder, "R4", engine))


@pytest.mark.parametrize("n", range(len(VALUES)), ids=list(VALUES))
def test_what_a_path_says(row, n):
    assert row[f"c{n}"] == list(VALUES.values())[n]
