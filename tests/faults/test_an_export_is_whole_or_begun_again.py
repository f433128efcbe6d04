"""Faults 1, 9, 13, 14, 16, 18 and 20 of reading, met while an export is made and fetched: what is there in the end is
what the server has, files that are whole are not fetched again, and nothing is left running on the server."""

import json
import os
import signal
import time

import pytest
from fastapi import Response
from processes import finished, personalize, until_quiet
from pulled import held, there

from service.sandbox import Faults, running
from service.sandbox.faults import Plan

FILES = r"^bulk/.*\.ndjson"
STATUS = r"^bulk/[^/]+$"


@pytest.fixture
def server():
    with running(patients=8, faults=Faults.of("[bulk]\nfile-lines = 60")) as sandbox:
        yield sandbox


@pytest.fixture
def pulling(server, tmp_path):
    (tmp_path / "personalize.toml").write_text(f'[sources.clinic]\nurl = "{server.url}"\npull = "bulk"\n')
    return lambda *words: personalize(tmp_path, "pull", server.url, "--lake", tmp_path / "lake", *words)


@pytest.fixture
def exported(server, tmp_path, monkeypatch, capsys):
    """The command in this process: exported(faults=..., habits=...) -> (exit code, what it printed)."""
    from service.cli import app as cli

    monkeypatch.chdir(tmp_path)
    (tmp_path / "personalize.toml").write_text(f'[sources.clinic]\nurl = "{server.url}"\npull = "bulk"\n')

    def run(faults="", habits="file-lines = 60"):
        server.faults.replan(Faults.of(f"{faults}\n[bulk]\n{habits}").plan)
        monkeypatch.setattr("sys.argv", ["personalize", "pull", server.url, "--json"])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def asked(server, words):
    return [each.path for each in server.requests if words in each.path]


def exports(server):
    return len(server.app.state.exports)


def fault(do, path=FILES, when="nth = 3", more=""):
    return f"[[fault]]\npath = '{path}'\nmethod = 'GET'\ndo = '{do}'\n{when}\n{more}\n"


def killed_at(step, server, process, path=""):
    plan = server.faults.plan
    fault = {"do": "drop-before", "nth": step, "path": path}
    server.faults.replan(Plan.model_validate({"fault": [fault], "bulk": plan.bulk}))
    server.faults.struck = lambda _fault: process.kill()
    assert finished(process) == -signal.SIGKILL, step
    until_quiet(server)
    server.faults.replan(plan)
    server.faults.struck = None


@pytest.mark.parametrize("step", [3, 5, 9, 14])
def test_a_killed_export_is_gone_on_with(server, pulling, tmp_path, step):
    killed_at(step, server, pulling())
    assert not list(tmp_path.glob("lake/raw/*/*/manifest.json"))
    whole, before = files_held(tmp_path), set(asked(server, ".ndjson"))
    assert (whole > 0) == (step >= 9)
    server.requests.clear()
    assert finished(pulling()) == 0
    assert held(tmp_path / "lake") == there(server)
    again = asked(server, ".ndjson")
    assert len(again) == len(set(again)) and len(before & set(again)) <= len(before) - whole
    assert not (whole and asked(server, "$export"))
    assert exports(server) <= 1  # of a kick-off whose answer never came nobody knows the address


def test_a_type_that_was_done_before_a_kill_is_not_put_together_again(server, pulling, tmp_path):
    killed_at(1, server, pulling(), path="^Claim$")  # its count, when patients and visits are done
    (part,) = tmp_path.glob("lake/raw/*/*.part")
    assert (part / "export-Claim.state").is_file()
    assert not (part / "export-Encounter.state").exists()  # but its sheet, where it stands once
    server.requests.clear()
    assert finished(pulling()) == 0
    assert held(tmp_path / "lake") == there(server)
    assert not asked(server, ".ndjson") + asked(server, "$export")


def files_held(tmp_path):
    (part,) = tmp_path.glob("lake/raw/*/*.part")
    state = part / "export.state"
    return len(json.loads(state.read_text())["held"]) if state.exists() else 0


def test_ctrl_c_ends_it_on_the_server(server, pulling, tmp_path):
    server.faults.replan(Faults.of("[bulk]\npolls = 100000").plan)
    process = pulling()
    wait_for(lambda: asked(server, "/bulk/"))
    os.kill(process.pid, signal.SIGINT)
    assert finished(process) not in (0, None)
    assert exports(server) == 0
    assert not list(tmp_path.glob("lake/raw/*/*/export.state"))
    server.faults.replan(Faults.of("[bulk]\nfile-lines = 60").plan)
    assert finished(pulling()) == 0
    assert held(tmp_path / "lake") == there(server)


def wait_for(seen):
    for _ in range(2000):
        if seen():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


@pytest.mark.parametrize("do", ["cut", "drop-before", "drop-after", "truncate"])
@pytest.mark.parametrize("counts", ["true", "false"])
def test_a_file_that_was_cut_off_is_fetched_again(server, exported, tmp_path, do, counts):
    code, said = exported(fault(do), f"file-lines = 60\ngzip = false\ncounts = {counts}")
    assert code == 0, said
    assert held(tmp_path / "lake") == there(server)
    assert len(asked(server, "$export")) == 1


def test_a_file_that_always_ends_in_the_middle_is_not_believed(server, exported, tmp_path):
    code, said = exported(fault("truncate", when="every = 1"), "counts = false\ngzip = false")
    assert (code, "ends in the middle of a line" in said) == (1, True)
    assert not list(tmp_path.glob("lake/raw/*/*/manifest.json"))
    assert exports(server) == 0


def test_a_count_that_never_agrees_is_not_believed(server, exported):
    code, said = exported(fault("truncate", when="every = 1"), "gzip = false")
    assert code == 1 and "and its manifest says" in said


def test_no_last_newline_twice_over_is_believed_and_told(exported):
    code, said = exported(habits="final-newline = false\ncounts = false")
    assert code == 0 and "lacks its last newline, also when fetched again" in said


@pytest.mark.parametrize("status", [403, 404, 410])
def test_when_the_links_have_expired_the_manifest_is_fetched_again(server, exported, tmp_path, status):
    code, said = exported(fault("status", more=f"status = {status}"), "file-lines = 60\nsigned = true")
    assert code == 0, said
    assert "its manifest was fetched again" in said
    assert len(asked(server, "$export")) == 1
    assert held(tmp_path / "lake") == there(server)


def test_when_its_manifest_names_the_same_links_it_is_begun_again(server, exported, tmp_path):
    code, said = exported(fault("status", more="status = 404"))
    assert code == 0, said
    assert "it was begun again" in said
    assert len(asked(server, "$export")) == 2
    assert exports(server) == 0
    assert held(tmp_path / "lake") == there(server)


def test_an_export_that_expires_each_time_fails_in_the_end(server, exported):
    code, said = exported(habits="file-lines = 60\ndownloads = 2")
    assert code == 1 and "404" in said
    assert len(asked(server, "$export")) == 3
    assert exports(server) == 0


@pytest.mark.parametrize("path", [r"export$", STATUS, FILES])
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("asks", ["0", "Wed, 01 Jan 2020 00:00:00 GMT", None])
def test_a_busy_server_is_asked_again(server, exported, tmp_path, path, status, asks):
    wait = f"retry-after = '{asks}'" if asks else ""
    code, said = exported(fault("status", path, "first = 2", f"status = {status}\n{wait}"))
    assert code == 0, said
    assert held(tmp_path / "lake") == there(server)


@pytest.mark.parametrize("code", ["transient", "timeout", "throttled"])
def test_a_passing_failure_of_the_status_is_asked_again(server, exported, tmp_path, code):
    failing(server, 500, json.dumps({"resourceType": "OperationOutcome", "issue": [{"code": code}]}), times=3)
    assert exported()[0] == 0
    assert held(tmp_path / "lake") == there(server)


@pytest.mark.parametrize("body", ["<html>broken</html>", '{"resourceType": "OperationOutcome", "issue": [{}]}', ""])
def test_a_failed_export_is_told_and_ended(server, exported, body):
    failing(server, 500, body, times=1)
    code, said = exported()
    assert code == 1 and "500" in said
    assert exports(server) == 0


def failing(server, status, body, times):
    left = [times]

    def instead(method, path, _body):
        if method == "GET" and "/bulk/" in path and ".ndjson" not in path and left[0]:
            left[0] -= 1
            return Response(body, status, media_type="application/json")
        return None

    server.before = instead


def test_an_export_that_is_gone_after_a_kill_is_begun_again(server, pulling, tmp_path):
    killed_at(6, server, pulling())
    server.app.state.exports._held.clear()
    server.requests.clear()
    assert finished(pulling()) == 0
    assert len(asked(server, "$export")) == 1
    assert held(tmp_path / "lake") == there(server)


@pytest.mark.parametrize("behind", [3600, 86_400])
def test_a_transaction_time_in_the_past_leaves_no_gap(server, exported, tmp_path, behind):
    assert exported(habits=f"behind = {behind}")[0] == 0
    server.store.load([json.dumps({"resourceType": "Patient", "id": "late"}).encode()])
    code, said = exported(habits="")
    assert code == 0, said
    assert "_since" in asked(server, "$export")[-1]
    assert held(tmp_path / "lake") == there(server)
