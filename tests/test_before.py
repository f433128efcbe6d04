"""What a run may rest on: of a source that is always on, a look at a few of thousands of runs."""

import json

import pytest

from service import before
from service.opening import opened


@pytest.fixture
def work(tmp_path, sandbox):
    with opened(tmp_path / "lake", sandbox.url) as found:
        yield found


def stand(work, count, follows=None):
    """So many runs of single patients, and then the one that is asked for."""
    runs = [f"2026010{n // 10}T00000{n % 10}" for n in range(count)]
    for run in runs:
        folder = work.lake.facts(work.source.id, run)
        folder.mkdir(parents=True)
        (folder / "facts.json").write_text("{}")
    work.raw.mkdir(parents=True)
    (work.raw / "manifest.json").write_text(json.dumps({"follows": follows}))
    return runs


def test_facts_may_be_those_of_the_run_followed_and_of_the_newest_few(work):
    runs = stand(work, 30, follows="20260100T000003")
    found = [earlier.facts.name for earlier in before.flattened(work)]
    assert found == ["20260100T000003", *reversed(runs[-before.NEWEST :])]


def test_who_follows_none_of_them_looks_at_the_newest_few_once_each(work):
    runs = stand(work, 3)
    assert [earlier.facts.name for earlier in before.flattened(work)] == list(reversed(runs))


def test_a_run_whose_facts_are_gone_or_not_yet_there_is_none(work):
    first, second, third = stand(work, 3)
    (work.lake.facts(work.source.id, second) / "facts.json").unlink()
    work.lake.facts(work.source.id, third).rename(work.lake.facts(work.source.id, f"{third}.part"))
    assert [earlier.facts.name for earlier in before.flattened(work)] == [first]
