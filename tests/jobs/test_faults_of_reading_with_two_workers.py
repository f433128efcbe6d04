"""Faults 1, 9 to 18, 20 and 23 of reading, with two workers: one reads all of a source while the other derives single
patients of it, and whatever happens, the lake holds what the server has, and each profile is a clean run's."""

import json
import resource
import signal

import pytest
from always import came, until
from fastapi import Response
from two_workers import PEOPLE, at, house, person
from wrong_pages import looping, omitting

from service.server.auth.keys import write_new_key

FILES = r"^bulk/.*\.ndjson"
BULK, SEARCH = 'pull = "bulk"', 'pull = "search"\npage_size = 2'
OF_FEW_LINES = "[bulk]\nfile-lines = 3\ngzip = false\n"
SIGNED_IN = f'{BULK}\nclient_id = "us"\nkey_file = "key.json"\ntoken_url = "THERE/token"'
CLINICS = {
    **dict.fromkeys(("killed", "busy", "expired", "shifting", "looping", "full"), ("", SEARCH)),
    **dict.fromkeys(("cut", "truncated", "links", "partial", "behind"), (OF_FEW_LINES, BULK)),
    "spoilt": ("[bulk]\nspoilt = true\n", BULK),
    "token": (f"{OF_FEW_LINES}requires-access-token = true", SIGNED_IN),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reading")
    write_new_key(folder / "key.json", "ES384")
    with house(folder, CLINICS) as opened:
        yield opened


@pytest.fixture
def clinic(place):
    return place.clinics.__getitem__


def pages(method, path, _body):
    return (method == "GET" and "_count=" in path) or "_getpages" in path


def holds_all(clinic):
    """All that was read of the source is what the server has."""
    held, there = clinic.pulled()
    assert held == there


def asked_wrong(clinic, faults):
    clinic.goes_wrong(faults)
    clinic.ask("p1", "p2", every="incremental")
    clinic.drained()


def test_one_is_killed_again_and_again_while_all_is_read(place, clinic):
    """Fault 1: at the third page, and a while later the other one."""
    killed = clinic("killed")
    first, second = place.workers
    killed.server.before = at(pages, (3, first.kill), (9, second.kill))
    killed.ask(*PEOPLE, every="incremental")
    for each in (first, second):
        each.join(240)
        assert each.exitcode == -signal.SIGKILL
        place.replaced()
    killed.ends_as_a_clean_run()
    holds_all(killed)
    assert not list(place.folder.glob("lake/raw/killed/*.part"))


@pytest.mark.parametrize("wait", ["1", "soon"])
def test_a_busy_server_is_asked_again_when_it_said(clinic, wait):
    """Fault 9."""
    busy = clinic("busy")
    asked_wrong(busy, f'[[fault]]\ndo = "status"\nstatus = 503\nfirst = 3\nretry-after = "{wait}"\npath = "^Enc"')
    busy.ends_as_a_clean_run()
    holds_all(busy)


def test_a_server_that_asks_for_hours_is_left_alone_for_so_long(clinic):
    """Fault 9: neither worker asks again before, and nobody is set aside."""
    busy = clinic("busy")
    came(busy.server, "p0", 7)
    busy.server.requests.clear()
    busy.goes_wrong('[[fault]]\ndo = "status"\nstatus = 503\nretry-after = "18000"')
    busy.ask("p0", "p1", every="incremental")
    until(lambda: all((each["said"] or "").find("18000 s") > 0 for each in busy.rows()))
    asked = len(busy.server.requests)
    assert len(busy.rows()) == 3 >= asked
    busy.mended()
    busy.later(18_001)
    busy.ends_as_a_clean_run()


def test_a_next_link_expires_under_two_workers(clinic):
    """Fault 10."""
    expired = clinic("expired")
    paging = expired.server.app.state.links._pages
    expired.server.before = at(lambda _m, path, _b: "_getpages" in path, (2, paging.clear), (5, paging.clear))
    asked_wrong(expired, "")
    expired.ends_as_a_clean_run()
    holds_all(expired)


def test_pages_leave_something_out(clinic):
    """Fault 11."""
    shifting = clinic("shifting")
    left_out = omitting(shifting.server)
    asked_wrong(shifting, "[paging]\noverlap = 1")
    assert left_out
    holds_all(shifting)
    shifting.ends_as_a_clean_run()


def test_a_next_link_loops_and_the_patients_are_done_all_the_same(place, clinic):
    """Fault 12: the run of all is set aside and says why."""
    looping_ = clinic("looping")
    looping_.server.before = looping(looping_.server.url, "/Encounter?")
    looping_.ask(*PEOPLE, every="incremental")
    aside = looping_.set_aside()
    assert list(aside) == [""]
    assert "leads back to a page already read" in aside[""]
    looping_.mended()
    assert place.queue.retry("looping") == 1
    looping_.ends_as_a_clean_run()
    holds_all(looping_)


@pytest.mark.parametrize(("name", "do"), [("cut", "cut"), ("truncated", "truncate")])
def test_a_file_ends_in_the_middle(clinic, name, do):
    """Faults 13 and 14."""
    asked_wrong(clinic(name), f"{OF_FEW_LINES}[[fault]]\ndo = '{do}'\npath = '{FILES}'\nnth = 3")
    clinic(name).ends_as_a_clean_run()
    holds_all(clinic(name))


def test_lines_that_are_no_resources_are_set_aside(place, clinic):
    """Fault 15."""
    asked_wrong(clinic("spoilt"), "[bulk]\nspoilt = true")
    [aside] = [
        told["set_aside"]
        for each in place.folder.glob("lake/raw/spoilt/*/manifest.json")
        if not (told := json.loads(each.read_text()))["limited"]
    ]
    assert any("line 1" in str(each) for each in aside)
    clinic("spoilt").ends_as_a_clean_run()
    holds_all(clinic("spoilt"))


def test_links_of_an_export_expire(clinic):
    """Fault 16."""
    asked_wrong(
        clinic("links"),
        f"{OF_FEW_LINES}signed = true\n[[fault]]\ndo = 'status'\nstatus = 404\npath = '{FILES}'\nnth = 3",
    )
    clinic("links").ends_as_a_clean_run()
    holds_all(clinic("links"))


def test_a_token_lapses_in_a_download(clinic):
    """Fault 17."""
    guarded, refused, given = clinic("token"), [], []

    def answer(_method, path, _body):
        if path.endswith("/token"):
            given.append(path)
            return Response(json.dumps({"access_token": f"t{len(given)}", "token_type": "bearer", "expires_in": 300}))
        if ".ndjson" in path and not refused:
            refused.append(path)
            return Response(status_code=401)
        return None

    guarded.server.before = answer
    asked_wrong(guarded, f"{OF_FEW_LINES}requires-access-token = true")
    assert refused
    guarded.server.before = None
    holds_all(guarded)
    guarded.server.before = answer
    assert guarded.set_aside() == {}


def test_an_export_with_errors_holds_the_watermark(clinic):
    """Fault 18."""
    partial = clinic("partial")
    asked_wrong(partial, "[bulk]\nerrors = ['error']")
    partial.mended()
    came(partial.server, "p0", 3)
    partial.ask("p1", every="incremental")
    partial.ends_as_a_clean_run()
    holds_all(partial)


def test_an_export_of_an_hour_ago_leaves_no_gap(clinic):
    """Fault 20."""
    behind = clinic("behind")
    asked_wrong(behind, "[bulk]\nbehind = 3600")
    came(behind.server, "p0", 7)
    asked_wrong(behind, "[bulk]\nbehind = 3600")
    behind.ends_as_a_clean_run()
    holds_all(behind)


def test_the_disk_is_full_for_a_while(place, clinic):
    """Fault 23: both workers can write no file beyond six megabytes, of which more are to be read."""
    full = clinic("full")
    for n in range(140):
        person(full.server, f"long{n}", name=[{"text": "x" * 50_000}])
    for each in place.workers:
        resource.prlimit(each.pid, resource.RLIMIT_FSIZE, (6 << 20, resource.RLIM_INFINITY))
    full.ask("p0", every="incremental")
    until(lambda: any("cannot be written" in (each["said"] or "") for each in full.rows()))
    assert not [each for each in full.rows() if each["aside"]]
    for each in place.workers:
        resource.prlimit(each.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    full.ends_as_a_clean_run()
    holds_all(full)
