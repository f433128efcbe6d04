"""Which run a command works on, and what a command that is refused leaves behind: nothing."""

import sqlite3

import pytest

DAY = "2026-07-01"


def runs(lake):
    with sqlite3.connect(lake / "catalog.sqlite") as catalog:
        return [name for (name,) in catalog.execute("select run from runs order by run")]


def test_what_was_undone_is_written_again_only_from_a_new_plan(personalize, planted_sandbox):
    url = planted_sandbox.url
    run = personalize("run", url, "--as-of", DAY, "--apply", "--json").json["run"]
    assert personalize("undo", run).code == 0
    planted_sandbox.requests.clear()
    said = personalize("apply", url)
    assert said.code == 1
    assert f"the newest run, {run}, was undone" in said.err
    assert "Plan again" in said.err
    assert planted_sandbox.requests == []
    assert personalize("plan", url).code == 0
    assert "16 Observation" in personalize("apply", url).out


@pytest.mark.parametrize(
    "words",
    [
        ["undo", "nosuch"],
        ["explain", "http://127.0.0.1:9/fhir", "x"],
        ["plan", "http://127.0.0.1:9/fhir"],
        ["apply", "http://127.0.0.1:9/fhir"],
        ["flatten", "http://127.0.0.1:9/fhir"],
    ],
)
def test_a_lake_that_is_not_there_is_not_made(personalize, tmp_path, words):
    said = personalize(*words, "--lake", "typo")
    assert said.code == 1
    assert "there is no lake here (typo)" in said.err
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize("words", [["--write", "all"], ["--policy", "nosuch.toml"]])
def test_wrong_words_leave_nothing_behind(personalize, sandbox, tmp_path, words):
    assert personalize("run", sandbox.url, *words).code != 0
    assert not (tmp_path / "lake").exists()


def test_a_refused_command_leaves_no_run(personalize, tmp_path):
    (tmp_path / "personalize.toml").write_text('[sources.far]\nurl = "https://fhir.example.org"\n')
    for words in (["--apply"], ["--write", "patient"]):
        assert personalize("run", "far", *words).code == 2
    assert runs(tmp_path / "lake") == []


def test_the_name_of_the_run_is_told_before_the_first_write(personalize, planted_sandbox, tmp_path, capsys):
    told = []

    def before(method, path, body):
        if method == "PUT" and not told:
            told.append(capsys.readouterr().err)

    planted_sandbox.before = before
    assert personalize("run", planted_sandbox.url, "--as-of", DAY, "--apply").code == 0
    [run] = runs(tmp_path / "lake")
    assert f"personalize undo {run}" in told[0]
