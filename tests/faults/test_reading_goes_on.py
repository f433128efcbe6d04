"""Faults 9, 11, 13, 14, 20 and 23 of reading by search: whatever happens, the lake ends up with what the server has."""

import json
import resource
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from pulled import held, there
from wrong_pages import omitting

from service.sandbox import Faults, running


@pytest.fixture
def clinic(tmp_path):
    with running(patients=12, faults=Faults.of("")) as sandbox:
        (tmp_path / "personalize.toml").write_text(
            f'[sources.clinic]\nurl = "{sandbox.url}"\npage_size = 5\npull = "search"\n'
        )
        yield sandbox


def struck(server, **fault):
    plan = "\n".join(f"{name.replace('_', '-')} = {json.dumps(value)}" for name, value in fault.items())
    server.faults.replan(Faults.of(f"[[fault]]\n{plan}").plan)


@pytest.mark.parametrize("do", ["cut", "truncate", "drop-before", "drop-after"])
def test_a_page_that_does_not_come_whole_is_asked_for_again(personalize, clinic, tmp_path, do):
    """Two of the requests: fewer than the tries that each page has, whichever page they meet."""
    plan = "".join(f'[[fault]]\ndo = "{do}"\nnth = {nth}\n' for nth in (6, 13))
    clinic.faults.replan(Faults.of(plan).plan)
    said = personalize("pull", clinic.url, "--json")
    assert said.code == 0, said.err
    assert said.err.count("asking again") == 2
    assert held(tmp_path / "lake") == there(clinic)


def in_a_second():
    return format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("wait", [lambda: "1", in_a_second, lambda: "soon", lambda: "-5"])
def test_a_server_that_is_busy_is_asked_again_when_it_said(personalize, clinic, tmp_path, status, wait):
    struck(clinic, do="status", status=status, path="^Encounter", first=2, retry_after=wait())
    said = personalize("pull", clinic.url, "--json")
    assert said.code == 0, said.err
    assert held(tmp_path / "lake") == there(clinic)


def test_a_server_that_asks_for_hours_ends_the_pull_and_the_next_goes_on(personalize, clinic, tmp_path):
    struck(clinic, do="status", status=503, path="^$", nth=3, retry_after="18000")
    said = personalize("pull", clinic.url, "--json")
    assert said.code == 3
    assert "come back in 18000 s" in said.err
    clinic.faults.replan(Faults.of("").plan)
    again = personalize("pull", clinic.url, "--json")
    assert any("an interrupted pull was taken up" in note for note in again.json["notes"])
    assert held(tmp_path / "lake") == there(clinic)


def test_what_a_page_left_out_is_found_by_the_count(personalize, clinic, tmp_path):
    left_out = omitting(clinic)
    assert personalize("pull", clinic.url, "--json").code == 0
    assert left_out
    assert held(tmp_path / "lake") == there(clinic)


@pytest.mark.parametrize("seconds", [-3600, -200, 200])
def test_a_clock_that_is_wrong_leaves_no_gap_within_the_overlap(personalize, clinic, tmp_path, monkeypatch, seconds):
    """A proxy's Date, while the server stamps its resources by a clock of its own."""
    monkeypatch.setattr(
        "service.pull.reader.server_date", lambda _answer: datetime.now(UTC) + timedelta(seconds=seconds)
    )
    personalize("pull", clinic.url, "--json")
    patient = httpx.get(f"{clinic.url}/Patient?_count=1").json()["entry"][0]["resource"]
    httpx.put(f"{clinic.url}/Patient/{patient['id']}", json={**patient, "birthDate": "1950-05-05"})
    personalize("pull", clinic.url, "--json")
    assert held(tmp_path / "lake") == there(clinic)


@contextmanager
def files_no_larger_than(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_full_ends_it_and_once_there_is_room_it_goes_on(personalize, clinic, tmp_path):
    clinic.store.load(
        json.dumps({"resourceType": "Patient", "id": f"long{n}", "name": [{"text": "x" * 50_000}]}).encode()
        for n in range(20)
    )
    with files_no_larger_than(300_000):
        said = personalize("pull", clinic.url, "--json")
    assert (said.code, said.out) == (1, "")
    assert "the lake cannot be written" in said.err
    assert not list(tmp_path.glob("lake/raw/*/*/manifest.json"))
    assert personalize("pull", clinic.url, "--json").code == 0
    assert held(tmp_path / "lake") == there(clinic)
