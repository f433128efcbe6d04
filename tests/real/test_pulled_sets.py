"""A real HAPI pulled by search and by export, killed and taken up, and day after day: the lake holds what HAPI holds.

HAPI itself is asked, type by type, for every (type, id, version). It is a server of its own, for all of it is counted.
"""

import signal
import time

import pytest
from processes import personalize as typed
from pulled import held

from service.pull.pull import READ

from .asked import everything
from .loading import ALL_TYPES, DATA, load
from .test_bulk import patient, visit

SETTINGS = '[sources.clinic]\nurl = "{url}"\npage_size = 7\npull = "{way}"\n'


@pytest.fixture
def clinic(fresh_hapi, personalize, tmp_path, capsys):
    load(fresh_hapi.base, DATA / "planted", ALL_TYPES)
    capsys.readouterr()  # what loading said
    with fresh_hapi.client() as http:
        yield Clinic(http, fresh_hapi.base, personalize, tmp_path)


class Clinic:
    def __init__(self, http, url, personalize, root):
        self.http, self.url, self.personalize, self.root = http, url, personalize, root

    def put(self, *resources):
        for each in resources:
            self.http.put(f"/{each['resourceType']}/{each['id']}", json=each).raise_for_status()

    def by(self, way):
        (self.root / "personalize.toml").write_text(SETTINGS.format(url=self.url, way=way))

    def pull(self, *words, lake="lake"):
        said = self.personalize("pull", "clinic", "--lake", lake, "--json", *words)
        assert said.code == 0, said.err
        return said.json

    def killed_after(self, seconds, lake):
        """kill -9 of a pull that has not ended; True where it had."""
        process = typed(self.root, "pull", "clinic", "--lake", lake)
        process.join(seconds)
        process.kill()
        process.join()
        return process.exitcode != -signal.SIGKILL

    def held(self, lake="lake"):
        return held(self.root / lake)

    @property
    def there(self):
        return {
            f"{kind}/{each['id']}": int(each["meta"]["versionId"])
            for kind in READ
            for each in everything(self.http, f"{kind}?_count=200")
        }


@pytest.mark.parametrize("way", ["search", "bulk"])
def test_whole_killed_and_day_after_day_the_lake_holds_what_the_server_holds(clinic, way):
    clinic.by(way)
    clinic.pull()
    there = clinic.there
    assert clinic.held() == there and len(there) > 80

    ended = [clinic.killed_after(seconds, "killed") for seconds in (0.4, 0.8, 1.2)]
    assert not all(ended)
    clinic.pull(lake="killed")
    assert clinic.held("killed") == there

    changed_by_people(clinic)
    told = clinic.pull()
    assert clinic.held() == clinic.there != there, told["notes"]
    clinic.pull("--full")
    assert clinic.held() == clinic.there
    clinic.pull(lake="fresh")
    assert clinic.held("fresh") == clinic.there

    (clinic.root / "one.txt").write_text("p02-preventive\n")
    clinic.pull("--patients-from", "one.txt", lake="one")
    patients = {each for each in clinic.held("one") if each.startswith("Patient/")}
    assert patients == {"Patient/p02-preventive", "Patient/came-twice"}, "whose link names the one that was asked for"


def changed_by_people(clinic):
    """A new patient, a corrected visit, one that is deleted, and two records of one person made one."""
    time.sleep(1)
    clinic.put(patient("came-new"), visit("came-new-1", "came-new"), visit("gone", "came-new"))
    clinic.http.delete("/Encounter/gone").raise_for_status()
    visits = list(everything(clinic.http, "Encounter?_count=200"))
    corrected, deleted = visits[0], visits[-1]
    clinic.put(corrected | {"status": "cancelled"})
    clinic.http.delete(f"/Encounter/{deleted['id']}").raise_for_status()
    other = {"other": {"reference": "Patient/p02-preventive"}, "type": "replaced-by"}
    clinic.put(patient("came-twice") | {"active": False, "link": [other]})
