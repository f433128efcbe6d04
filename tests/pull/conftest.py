"""A hospital whose patients come, change and go; and what a lake holds of it, to compare with what it has."""

import json
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from service import raw
from service.pull.pull import READ
from service.sandbox import Faults

from .exports import configure

PERIOD = {"start": "2026-03-01T10:00:00Z", "end": "2026-03-01T10:30:00Z"}


def patient(key, **more):
    return {"resourceType": "Patient", "id": key, "birthDate": "1970-01-01", **more}


def visit(key, of, **more):
    return {
        "resourceType": "Encounter", "id": key, "status": "finished", "subject": {"reference": f"Patient/{of}"},
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "period": PERIOD, **more,
    }  # fmt: skip


@dataclass
class Hospital:
    """`versions` by Type/id of what is pulled; `lake` says the same of the newest run, from its files alone."""

    sandbox: object
    personalize: object
    root: Path

    @property
    def url(self):
        return self.sandbox.url

    def put(self, *resources):
        self.sandbox.store.load([json.dumps(each).encode() for each in resources])

    def delete(self, reference):
        assert httpx.delete(f"{self.url}/{reference}").status_code in (200, 204)

    def pull(self, *words):
        self.sandbox.requests.clear()
        return self.personalize("pull", self.url, "--json", *words)

    @property
    def versions(self):
        return {ref: str(version) for ref, version in self.sandbox.versions().items() if ref.split("/")[0] in READ}

    @property
    def raw(self):
        return max(path.parent for path in self.root.glob("lake/raw/*/*/manifest.json"))

    @property
    def manifest(self):
        return json.loads((self.raw / "manifest.json").read_text())

    @property
    def lake(self):
        """{Type/id: version}; a line that stands twice is a failure."""
        found = {}
        for line in self.lines():
            reference = f"{line['resourceType']}/{line['id']}"
            assert reference not in found, reference
            found[reference] = line["meta"]["versionId"]
        return found

    def lines(self, resource_type="*"):
        files = sorted(file for file in self.raw.glob(f"{resource_type}.ndjson") if raw.LATER not in file.name)
        return [json.loads(line) for file in files for line in raw.lines_of(file)]

    def asked(self, words):
        """The requests whose address holds these words."""
        return [each.path for each in self.sandbox.requests if words in each.path]


@pytest.fixture
def hospital(sandbox, personalize, tmp_path):
    """Ten patients with two visits each, paged by four."""
    (tmp_path / "personalize.toml").write_text(
        f'[sources.hospital]\nurl = "{sandbox.url}"\npage_size = 4\npull = "search"\n'
    )
    made = Hospital(sandbox, personalize, tmp_path)
    made.put(*(patient(f"p{n}") for n in range(10)))
    made.put(*(visit(f"e{n}-{k}", f"p{n}") for n in range(10) for k in (1, 2)))
    return made


@pytest.fixture
def exporting(hospital):
    """exporting('file-lines = 3'): the hospital with these habits, pulled by an export."""

    def pull(habits="", *words, faults="", settings=""):
        hospital.sandbox.faults.replan(Faults.of(f"{faults}\n[bulk]\n{habits}").plan)
        configure(hospital, f'pull = "bulk"\n{settings}')
        return hospital.pull(*words)

    return pull
