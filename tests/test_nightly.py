"""Night after night on one source: what a run derives anew, and when it takes nothing from the run before."""

import json

import duckdb
import pytest

from service.derive import carry

AS_OF = ("--as-of", "2026-07-01")


@pytest.fixture
def night(personalize, planted_sandbox, monkeypatch):
    """The stages up to derive, for as few patients as these too; what the run tells of it."""
    monkeypatch.setattr(carry, "WORTH_FOLLOWING", 1)

    def stages(*limit, lake="lake"):
        for words in (("pull", *limit), ("flatten",), ("derive", *AS_OF)):
            said = personalize(words[0], planted_sandbox.url, *words[1:], "--lake", lake, "--json")
            assert said.code in (0, 3), said.err
        return [note for note in said.json["notes"] if "carried over" in note]

    return stages


def derived(folder):
    """The newest profiles and measures in a lake, each as what DuckDB reads."""
    newest = max(path.parent for path in folder.glob("profiles/*/*/profiles.json"))
    return [f"FROM '{newest}/{name}.parquet'" for name in ("profiles", "measures")]


def test_one_patient_changed_and_one_is_derived(night, planted_sandbox, planted, tmp_path):
    resources, _ = planted
    assert night() == []
    (visit,) = (each for each in resources["Encounter"] if each["id"] == "enc-061")
    planted_sandbox.store.load([json.dumps({**visit, "participant": []}).encode()])
    (note,) = night()
    assert note.startswith("1 profiles were derived anew, the others carried over from run ")
    night(lake="fresh")
    for ours, full in zip(derived(tmp_path / "lake"), derived(tmp_path / "fresh"), strict=True):
        assert duckdb.sql(f"({ours} EXCEPT ALL {full}) UNION ALL ({full} EXCEPT ALL {ours})").fetchall() == []


def test_a_limited_run_follows_none_and_none_follows_it(night):
    assert night("--patient-limit", 5) == night() == night("--patient-limit", 5) == []


def test_few_patients_are_all_derived_where_anything_changed(night, planted_sandbox, planted, monkeypatch):
    monkeypatch.setattr(carry, "WORTH_FOLLOWING", 100)
    assert night() == []
    (visit,) = (each for each in planted[0]["Encounter"] if each["id"] == "enc-061")
    planted_sandbox.store.load([json.dumps({**visit, "participant": []}).encode()])
    assert night() == []
    (note,) = night()
    assert note.startswith("0 profiles were derived anew")


def files(folder, stage, *names):
    newest = max(path.parent for path in folder.glob(f"{stage}/*/*/*.json"))
    return [newest / f"{name}.parquet" for name in names]


def test_where_nothing_changed_facts_and_profiles_are_the_same_files(night, tmp_path):
    night()
    before = files(tmp_path / "lake", "facts", "visits", "claims") + files(tmp_path / "lake", "profiles", "measures")
    (note,) = night()
    assert note.startswith("0 profiles were derived anew")
    after = files(tmp_path / "lake", "facts", "visits", "claims") + files(tmp_path / "lake", "profiles", "measures")
    assert all(old != new and old.samefile(new) for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize("setting", ['time_zone = "Asia/Tokyo"', 'sensitive_labels = ["http://h.example/labels|vip"]'])
def test_another_time_zone_or_label_makes_facts_anew(night, planted_sandbox, tmp_path, setting):
    named = f'[sources.s]\nurl = "{planted_sandbox.url}"\n'
    (tmp_path / "personalize.toml").write_text(named)
    night()
    (before,) = files(tmp_path / "lake", "facts", "visits")
    (tmp_path / "personalize.toml").write_text(named + setting)
    night()
    (after,) = files(tmp_path / "lake", "facts", "visits")
    assert before.parent.parent == after.parent.parent and not before.samefile(after)


def test_facts_of_another_algorithm_are_made_anew(night, tmp_path, monkeypatch):
    night()
    (before,) = files(tmp_path / "lake", "facts", "visits")
    monkeypatch.setattr("service.flatten.carry.algorithm", lambda: "sha256:another")
    night()
    (after,) = files(tmp_path / "lake", "facts", "visits")
    assert not before.samefile(after)
