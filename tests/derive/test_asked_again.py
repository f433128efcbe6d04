"""A process that has derived others before asks in the words it knows, and concludes what a new process concludes."""

import itertools
from functools import partial

import pytest
from oracle.histories import encounter, link, patient

from service.derive import Policy
from service.engine import Engine, duckdb
from service.engine.again import ALL_WAYS, WAYS, Again, Journal

from .lakes import AS_OF, derive_in, flatten_in, planted, pulled, rows_in
from .test_incremental import DAY

# The answers lead different ways: a merge, visits that are part of others, in a circle too, what cannot be used.
PLANTED = (("p05-readmitted",), ("p07-survivor", "p07-old"), ("p10-money",))
CIRCLE = [
    encounter("a", "IMP", "2026-02-01T08:00:00Z", "2026-02-03T08:00:00Z", who="round", part_of="b"),
    encounter("b", "IMP", "2026-02-01T09:00:00Z", "2026-02-03T09:00:00Z", who="round", part_of="a"),
]
PEOPLE = [
    [patient("nobody")],
    [patient("round"), *CIRCLE],
    [patient("old", link=[link("gone", "replaced-by")]), encounter("o", "AMB", "2026-03-03T08:00:00Z", who="old")],
    [patient("unread"), encounter("u", "AMB", "no time", who="unread")],
]


@pytest.fixture
def remembered(monkeypatch):
    """What this process has asked, empty at first; how often a query was written counts from here."""
    monkeypatch.setattr(duckdb, "_again", Again())
    duckdb._typed.cache_clear()
    duckdb._sql.cache_clear()
    return duckdb._again


def written():
    return duckdb._sql.cache_info().misses


def concluded(folder, resources, **more):
    """What profiles.json says, profiles and measures."""
    lake, derivations = pulled(folder, resources), duckdb._again
    with Engine.open(lake.spill) as engine:
        duckdb._again = Again()
        flatten_in(lake, engine)
        duckdb._again, began = derivations, written()
    with Engine.open(lake.spill) as engine:
        told = derive_in(lake, engine, **more)
        told.pop("facts")
        return told, rows_in(lake, engine), written() - began


def everybody():
    return [[each for each in planted() if whose(each) in names] for names in PLANTED] + PEOPLE


def whose(resource):
    about = resource.get("subject") or resource.get("patient") or {"reference": f"Patient/{resource['id']}"}
    return about["reference"].removeprefix("Patient/")


def test_one_after_the_other_they_are_as_each_by_itself(tmp_path, remembered, monkeypatch):
    alone = []
    for number, resources in enumerate(everybody()):
        monkeypatch.setattr(duckdb, "_again", Again())
        alone.append(concluded(tmp_path / f"alone-{number}", resources))
    monkeypatch.setattr(duckdb, "_again", remembered)
    folders = (tmp_path / f"{number}" for number in itertools.count())
    for _ in range(2):
        together = [concluded(next(folders), resources) for resources in reversed(everybody())]
        assert [each[:2] for each in reversed(together)] == [each[:2] for each in alone]
    # Those who lead the same way found it; and the second time nobody had to look for one.
    assert sum(map(len, remembered._ways.values())) < len(alone)
    assert all(count == 0 for *_, count in together)


def test_who_leads_a_way_that_is_known_needs_no_query_to_be_written(tmp_path, remembered):
    one = [patient("one"), encounter("v", "AMB", "2026-03-01T08:00:00Z", who="one")]
    other = [patient("other"), encounter("w", "AMB", "2026-04-01T08:00:00Z", who="other")]
    *_, first = concluded(tmp_path / "one", one)
    told, (profiles, _), again = concluded(tmp_path / "other", other)
    assert first > 100
    assert again == 0
    assert [*profiles] == ["Patient/other"]
    assert told["profiles"] == 1


def test_flattening_the_next_ones_is_told_in_the_words_of_the_first(tmp_path, remembered):
    """Whatever there is of them: the lines decide which tables are empty, and of which a version is read twice."""
    none = [patient("one")]
    visits = [*none, encounter("v", "AMB", "2026-03-01T08:00:00Z", who="one")]
    for folder, lines in (("none", none), ("first", visits), ("twice", [*visits, visits[-1]])):
        for number in range(2):
            lake = pulled(tmp_path / f"{folder}{number}", lines)
            before = {key: len(ways) for key, ways in remembered._ways.items()}
            with Engine.open(lake.spill) as engine:
                told = flatten_in(lake, engine)
            assert told["facts"]["visits"] == (folder != "none")
            assert ({key: len(ways) for key, ways in remembered._ways.items()} == before) == bool(number)


def test_other_rules_and_other_instants_are_other_questions(tmp_path, remembered):
    seen = [patient("seen"), encounter("s", "AMB", "2026-06-01T12:00:00Z", who="seen")]
    shipped = Policy.load()
    for number, more in enumerate(
        [
            {},
            {"as_of": AS_OF + DAY},
            {"zone": "Asia/Tokyo"},
            {"policy": shipped.model_copy(update={"hash": "sha256:0"})},
        ]
    ):
        concluded(tmp_path / f"{number}", seen, **more)
        assert len(remembered._ways) == number + 1
    _, (_, measures), _ = concluded(tmp_path / "last", seen, as_of=AS_OF + DAY)
    assert measures["Patient/seen", "visits-p1m"][0]["value"] == 0
    assert len(remembered._ways) == 4


def test_so_many_questions_are_kept_and_no_more():
    again = Again()
    for number in range(ALL_WAYS):
        again.keep(number, Journal(), None, 0)
    again.follow(0, Said())  # what was asked just now is not the oldest
    for number in range(ALL_WAYS, 2 * ALL_WAYS - 1):
        again.keep(number, Journal(), None, 0)
    assert [*again._ways] == [0, *range(ALL_WAYS, 2 * ALL_WAYS - 1)]


class Said:
    """An engine that answers as it was given, and counts what it was asked."""

    def __init__(self, **answers):
        self.answers, self.asked = answers, []


class Ask(str):
    def on(self, engine):
        engine.asked.append(str(self))
        return engine.answers.get(self)


def walked(again, engine):
    """What `a` was answered decides whether `b` or `c` is asked."""
    way, journal = again.follow("key", engine)
    if way:
        return way.result
    journal.from_the_start()
    first = journal.tell(Ask("a"), engine)
    result = (first, journal.tell(Ask("b" if first else "c"), engine))
    again.keep("key", journal, result, 2)
    return result


def test_an_answer_nobody_gave_leads_on_from_there_and_nothing_is_asked_twice():
    again, yes, no = Again(), Said(a=True, b=1), Said(a=False, c=2)
    assert walked(again, yes) == (True, 1)
    assert walked(again, no) == (False, 2)
    assert no.asked == ["a", "c"]
    for engine, result in ((Said(a=True, b=1), (True, 1)), (Said(a=False, c=2), (False, 2))):
        assert walked(again, engine) == result
        assert len(engine.asked) == 2
    assert len(again._ways["key"]) == 2


def test_so_many_ways_are_kept_and_no_more():
    again = Again()
    for number in range(2 * WAYS):
        walked(again, Said(a=True, b=number))
    assert len(again._ways["key"]) == WAYS


def test_what_is_about_files_of_one_run_alone_is_not_kept(tmp_path, remembered):
    with Engine.open(tmp_path) as engine:
        file = tmp_path / "one.parquet"
        engine.write_parquet(engine.load([{"n": 1}], {"n": "int64"}), file)
        for root, kept in ((tmp_path, 1), (tmp_path / "elsewhere", 0)):
            remembered._ways.clear()
            table = engine.again("key", root, lambda: engine.materialise(engine.read_parquet(file)))
            assert list(engine.rows(table)) == [{"n": 1}]
            assert len(remembered._ways) == kept


def test_a_question_that_is_not_what_it_was_is_asked_as_it_is(tmp_path, remembered):
    """Its key left something out, and the answers were others too."""
    for number in (1, 5):
        with Engine.open(tmp_path) as engine:
            engine.write_parquet(engine.load([{"n": number}], {"n": "int64"}), tmp_path / "one.parquet")
            table = engine.again("key", tmp_path, partial(more_than, engine, tmp_path / "one.parquet", number))
            assert list(engine.rows(table)) == [{"n": number}]
    assert len(remembered._ways) == 1


def more_than(engine, file, number):
    table = engine.read_parquet(file)
    kept = engine.materialise(table.filter(table.n >= number))
    return kept if engine.any(table.filter(table.n > 3)) else engine.materialise(kept)
