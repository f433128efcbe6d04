"""`personalize try`: invented patients up, the whole way on them alone, and nothing of it left, however it ends."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import httpx
import pytest
import respx
from fastapi import Response
from processes import minding_ctrl_c

from service.sandbox.outcome import operation_outcome

FAR = "https://fhir.example.org/r4"
HOP, KEPT = ("host", "accept-encoding"), ("content-type", "etag", "date", "location")
OWN = {"resourceType": "Patient", "id": "theirs", "gender": "female"}


@pytest.fixture
def shared(sandbox):
    """A sandbox that is somebody else's too."""
    sandbox.store.put(OWN)
    sandbox.requests.clear()
    return sandbox


def left(sandbox):
    return sorted(set(sandbox.versions()) - {"Patient/theirs"})


def refused(status):
    return Response(operation_outcome("processing", "no"), status, media_type="application/fhir+json")


def test_the_whole_way_is_shown_and_nothing_is_left(personalize, shared, tmp_path):
    said = personalize("try", shared.url, "--patients", "2")
    assert said.code == 0, said.err
    assert "made     " in said.out
    assert "2 create" in said.out
    assert "pathways:" in said.out
    assert "Nothing of it is left that a search would find" in said.out
    assert left(shared) == []
    assert shared.versions()["Patient/theirs"] == 1
    assert list((tmp_path / "lake" / "trials").iterdir()) == []


def test_only_its_own_patients_are_read_and_written(personalize, shared):
    said = personalize("try", shared.url, "--patients", "2", "--json")
    assert said.code == 0, said.err
    assert said.json["run"]["pulled"]["Patient"] == 2
    assert said.json["run"]["rung"]["patient"] >= 1
    assert said.json["deleted"]["Patient"] == 2
    assert not any("theirs" in served.path for served in shared.requests)
    assert not any(served.path == "/fhir/Patient" for served in shared.requests)


def test_two_trials_never_meet(personalize, shared):
    names = set()
    shared.before = lambda method, path, _: names.add(path.split("/")[3][:20]) if method == "PUT" else None
    for _ in range(2):
        assert personalize("try", shared.url, "--patients", "1").code == 0
    assert len({name for name in names if name.startswith("try-")}) == 2


def test_after_a_failure_nothing_is_left(personalize, shared):
    shared.before = lambda _, path, __: refused(403) if path.startswith("/fhir/Patient/_search") else None
    said = personalize("try", shared.url, "--patients", "1")
    assert said.code == 1
    assert "made     " in said.out
    assert left(shared) == []


def test_a_failure_while_they_are_made_takes_down_what_was(personalize, shared):
    shared.before = lambda method, path, _: refused(403) if method == "PUT" and "/Claim/" in path else None
    said = personalize("try", shared.url, "--patients", "1")
    assert said.code == 1
    assert "the server knows us and refuses: 403" in said.err
    assert left(shared) == []


def test_lost_answers_make_nothing_twice_and_leave_nothing(personalize, shared):
    seen = set()

    def loses(method, path, body):
        if (
            method in ("PUT", "DELETE")
            and ("/Encounter/" in path or "/Patient/" in path)
            and (method, path) not in seen
        ):
            seen.add((method, path))
            if method == "PUT" and "/Patient/" not in path:
                shared.store.put(body)
            return refused(502)
        return None

    shared.before = loses
    said = personalize("try", shared.url, "--patients", "1", "--json")
    assert said.code == 0, said.err
    assert left(shared) == []


def begun(shared, lake):
    """A trial in a process of its own, once it has made Claims."""
    words = [sys.executable, "-m", "service.cli", "try", shared.url, "--patients", "3", "--lake", str(lake)]
    process = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
        preexec_fn=minding_ctrl_c,
    )
    while not any("/Claim/" in served.path for served in list(shared.requests)):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    return process


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_takes_down_what_was_made(shared, tmp_path, ending):
    process = begun(shared, tmp_path / "lake")
    process.send_signal(ending)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert left(shared) == []


def test_after_a_kill_clean_takes_it_down(personalize, shared, tmp_path):
    process = begun(shared, tmp_path / "lake")
    process.kill()
    process.communicate()
    assert left(shared)
    said = personalize("try", shared.url, "--clean")
    assert said.code == 0, said.err
    assert left(shared) == []
    assert shared.versions()["Patient/theirs"] == 1
    again = personalize("try", shared.url, "--clean")
    assert (again.code, "nothing of a trial is on record here" in again.out) == (0, True)


def test_clean_leaves_what_lost_the_tag_and_says_so(personalize, shared, tmp_path):
    process = begun(shared, tmp_path / "lake")
    process.kill()
    process.communicate()
    adopted = next(each for each in left(shared) if each.startswith("Claim/"))
    resource = json.loads(shared.store.read(*adopted.split("/")).body)
    resource["meta"].pop("tag")
    httpx.delete(f"{shared.url}/{adopted}")  # an update alone would keep the tag: servers merge them
    shared.store.put(resource)
    said = personalize("try", shared.url, "--clean")
    assert said.code == 3
    assert f"left     {adopted}: it no longer bears the trial's tag" in said.out
    assert left(shared) == [adopted]


def test_clean_on_another_server_finds_nothing_to_do(personalize, shared, tmp_path):
    process = begun(shared, tmp_path / "lake")
    process.kill()
    process.communicate()
    stood = shared.versions()
    said = personalize("try", "http://127.0.0.1:9/fhir", "--clean")
    assert said.code == 0
    assert shared.versions() == stood


@pytest.fixture
def far(shared):
    """The sandbox as a server that is not on this machine, by a mirror in between."""

    def mirrored(request):
        url = str(request.url).replace(FAR, shared.url)
        headers = {name: text for name, text in request.headers.items() if name.lower() not in HOP}
        asked = urllib.request.Request(url, request.content or None, headers, method=request.method)
        try:
            with urllib.request.urlopen(asked) as answer:
                status, given, body = answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            status, given, body = error.code, dict(error.headers), error.read()
        kept = {name: text for name, text in given.items() if name.lower() in KEPT}
        return httpx.Response(status, headers=kept, content=body.replace(shared.url.encode(), FAR.encode()))

    with respx.mock(assert_all_called=False) as mock:
        mock.route(host="fhir.example.org").mock(side_effect=mirrored)
        yield mock


def test_off_this_machine_it_must_be_called_a_sandbox(personalize, far):
    said = personalize("try", FAR)
    assert said.code == 2
    assert "add --sandbox if it is one" in said.err.lower()
    assert not far.calls


def test_called_a_sandbox_it_is_tried_and_left_clean(personalize, far, shared):
    said = personalize("try", FAR, "--sandbox", "--patients", "1", "--json")
    assert said.code == 0, said.err
    assert said.json["run"]["rung"] in ({"patient": 1}, {"observation": 1})
    assert left(shared) == []


@pytest.mark.parametrize("more", [[], ["--sandbox"]])
def test_a_configured_source_must_say_so_itself(personalize, far, tmp_path, more):
    (tmp_path / "personalize.toml").write_text(f'installation = "clinic"\n[sources.hospital]\nurl = "{FAR}"\n')
    for server in ("hospital", FAR):
        said = personalize("try", server, *more)
        assert said.code == 2
        assert "set sandbox = true under that source if it is one" in said.err.lower()
    assert not far.calls


def test_a_configured_sandbox_is_tried(personalize, far, shared, tmp_path):
    (tmp_path / "personalize.toml").write_text(
        f'installation = "clinic"\n[sources.play]\nurl = "{FAR}"\nsandbox = true\nwrite = "none"\n'
    )
    assert personalize("try", "play", "--sandbox", "--patients", "1").code == 0
    assert left(shared) == []


@pytest.mark.parametrize("patients", ["0", "51"])
def test_at_most_50_patients_are_made(personalize, shared, patients):
    said = personalize("try", shared.url, "--patients", patients)
    assert said.code == 2
    assert "between 1 and 50" in said.err
    assert shared.requests == []


def test_a_server_that_assigns_ids_is_told_in_words_and_left_clean(personalize, shared):
    shared.before = lambda method, _, __: refused(405) if method == "PUT" else None
    said = personalize("try", shared.url, "--patients", "1")
    assert said.code == 1
    assert "it does not take a resource under an id of ours" in said.err
    assert left(shared) == []
