"""HAPI's own $export, pulled by us: what is in the lake is what HAPI answers to whoever asks it, resource by resource.

The patients are of these tests alone; HAPI is asked for a Group of them, for others share this server.
"""

import json

import pytest

PEOPLE = [f"bulk-{n}" for n in range(12)]
KINDS = ("Patient", "Encounter")


def patient(key):
    return {"resourceType": "Patient", "id": key, "active": True}


def visit(key, of, status="finished"):
    return {
        "resourceType": "Encounter", "id": key, "status": status, "subject": {"reference": f"Patient/{of}"},
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "period": {"start": "2026-03-01T10:00:00Z"},
    }  # fmt: skip


@pytest.fixture
def clinic(hapi, personalize, tmp_path):
    (tmp_path / "personalize.toml").write_text(
        f'[sources.clinic]\nurl = "{hapi.base}"\npull = "bulk"\nbulk_group = "bulk-group"\n'
    )
    made = Clinic(hapi.client(), personalize, tmp_path)
    made.put(*map(patient, PEOPLE), *(visit(f"{who}-{n}", who) for who in PEOPLE for n in range(3)))
    made.group(PEOPLE[:8])
    return made


class Clinic:
    def __init__(self, http, personalize, root):
        self.http, self.personalize, self.root, self.members = http, personalize, root, []

    def put(self, *resources):
        for each in resources:
            self.http.put(f"/{each['resourceType']}/{each['id']}", json=each).raise_for_status()

    def group(self, members):
        self.members = members
        entities = [{"entity": {"reference": f"Patient/{each}"}} for each in members]
        self.put({"resourceType": "Group", "id": "bulk-group", "type": "person", "actual": True, "member": entities})

    def pull(self, *words):
        said = self.personalize("pull", "clinic", "--json", *words)
        assert said.code == 0, said.err
        return said.json

    @property
    def lake(self):
        run = max(path.parent for path in self.root.glob("lake/raw/*/*/manifest.json"))
        lines = [json.loads(line) for kind in KINDS for line in (run / f"{kind}.ndjson").read_text().splitlines()]
        return {(line["resourceType"], line["id"], line["meta"]["versionId"]) for line in lines}

    @property
    def server(self):
        """(type, id, version) as HAPI answers a search for each member by itself."""
        headers = {"Cache-Control": "no-cache"}
        found = set()
        for who in self.members:
            for kind, query in (("Patient", f"_id={who}"), ("Encounter", f"patient={who}")):
                bundle = self.http.get(f"/{kind}?{query}&_count=100", headers=headers).json()
                found |= {
                    (kind, e["resource"]["id"], e["resource"]["meta"]["versionId"]) for e in bundle.get("entry", [])
                }
        return found


def test_a_group_is_exported_whole_and_then_what_changed(clinic):
    told = clinic.pull()
    assert any("read by an export of Group/bulk-group" in note for note in told["notes"])
    assert clinic.lake == clinic.server and len(clinic.lake) == 8 * 4
    clinic.put(visit("bulk-1-0", "bulk-1", "cancelled"), visit("bulk-2-9", "bulk-2"))
    clinic.group(PEOPLE[:9])  # a new member, whose visits are old
    clinic.pull()
    assert clinic.lake == clinic.server and len(clinic.lake) == 9 * 4 + 1


def test_by_export_and_by_search_it_is_the_same(clinic):
    clinic.pull("--full")
    exported = clinic.lake
    clinic.pull("--full", "--pull", "search")
    assert clinic.lake == exported == clinic.server
