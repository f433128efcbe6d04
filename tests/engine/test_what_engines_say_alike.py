"""What only an engine can say: both say the same."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import ibis
import pytest

from service.engine import DUCKDB, Engine, RowRefused, ShapeMismatch

# Clocks go forward and back; in Havana at midnight, on Lord Howe by half an hour, in Apia a day was left out.
CLOCKS = (
    ("Europe/Zurich", "2026-03-29T02:30:00"),
    ("Europe/Zurich", "2026-10-25T02:30:00"),
    ("Europe/Zurich", "2026-10-25T00:30:00"),
    ("America/Havana", "2026-11-01T00:00:00"),
    ("America/Havana", "2026-03-08T00:00:00"),
    ("Australia/Lord_Howe", "2026-04-05T01:45:00"),
    ("Pacific/Apia", "2011-12-30T12:00:00"),
    ("UTC", "2026-07-01T00:00:00"),
)
MOMENTS = (
    "2026-01-01T10:00:00Z", "2026-01-01T10:00:00.123456+02:00", "2026-01-01T10:00+05:30", "2026-02-30T10:00:00Z",
    "2026-01-01T10:00:00.1-14:00", "soon",
)  # fmt: skip


@pytest.fixture(params=["duckdb", "spark"])
def engine(request, tmp_path):
    kind = DUCKDB if request.param == "duckdb" else request.getfixturevalue("real_spark")
    with Engine.open(tmp_path / "spill", kind) as opened:
        yield opened


@pytest.fixture
def file(tmp_path):
    def write(*lines):
        path = tmp_path / "[a] b.ndjson"
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write


def all_of(engine, table):
    return list(engine.rows(table))


def test_the_clock_on_the_wall(engine):
    for zone, clock in CLOCKS:
        told = engine.load([{"clock": clock}], {"clock": "timestamp"})
        instant = engine.instant(told.clock, ZoneInfo(zone))
        row = engine.row(told.select(instant=instant, back=engine.local(instant, ZoneInfo(zone))))
        fold = datetime.fromisoformat(clock).replace(tzinfo=ZoneInfo(zone), fold=1)
        expected = fold.astimezone(UTC).replace(tzinfo=None)
        assert row["instant"] == expected or _in_a_gap(fold), (zone, clock)
        assert row["back"] == fold.replace(tzinfo=None) or _in_a_gap(fold), (zone, clock)


def _in_a_gap(clock):
    return clock.astimezone(UTC).astimezone(clock.tzinfo).replace(tzinfo=None) != clock.replace(tzinfo=None)


def test_moments(engine):
    table = engine.load([{"n": n, "text": text} for n, text in enumerate(MOMENTS)], {"n": "int64", "text": "string"})
    rows = all_of(engine, table.select("n", at=engine.moment(table.text)).order_by("n"))
    assert [row["at"] for row in rows] == [
        datetime(2026, 1, 1, 10), datetime(2026, 1, 1, 8, 0, 0, 123456), datetime(2026, 1, 1, 4, 30), None,
        datetime(2026, 1, 2, 0, 0, 0, 100000), None,
    ]  # fmt: skip


def test_lines_keep_their_order_and_decimals_their_digits(engine, file):
    table = engine.read_ndjson(
        file(*(f'{{"id": "{n}", "v": {n}.50}}' for n in range(9))), {"id": "string", "v": "string"}
    )
    rows = all_of(engine, table.mutate(line=engine.line(table)).order_by(ibis.desc("line")))
    assert [row["id"] for row in rows] == [str(n) for n in reversed(range(9))]
    cast = table.filter(table.id == "3").select(v=table.v.cast("decimal(18, 6)"))
    assert str(engine.row(cast)["v"]) == "3.500000"


@pytest.mark.parametrize("line", ['{"id": "1", "period": "2026"}', '{"id": "1", "period": [{}]}', '{"id": "1"', "1"])
def test_a_line_of_another_shape(engine, file, line):
    with pytest.raises(ShapeMismatch):
        engine.read_ndjson(file('{"id": "0"}', line), {"id": "string", "period": "struct<start: string>"})


def test_a_refused_row_says_its_number(engine):
    table = engine.load([{"n": 1}, {"n": 2}], {"n": "int64"})
    with pytest.raises(RowRefused) as refused:
        engine.materialise(table.mutate(v=ibis.cases((table.n == 2, engine.refuse(7, "int64")), else_=table.n)))
    assert refused.value.number == 7


def test_items_and_their_places(engine, file):
    table = engine.read_ndjson(
        file('{"id": "a", "x": ["p", "q"]}', '{"id": "b", "x": []}', '{"id": "c"}'),
        {"id": "string", "x": "array<string>"},
    )
    each = all_of(engine, engine.each(table, table.x, "item", "place").select("id", "item", "place").order_by("place"))
    assert each == [{"id": "a", "item": "p", "place": 0}, {"id": "a", "item": "q", "place": 1}]
    kept = engine.each(table, table.x, "item", "place", or_null=True).select("id", "item", "place")
    assert [(r["id"], r["item"], r["place"]) for r in all_of(engine, kept.order_by("id", "place"))] == [
        ("a", "p", 0), ("a", "q", 1), ("b", None, 0), ("c", None, 0),
    ]  # fmt: skip


def test_a_pattern_ends_where_the_text_ends(engine):
    table = engine.load([{"text": "2026"}, {"text": "2026\n"}], {"text": "string"})
    rows = all_of(engine, table.filter(table.text.re_search(r"^\d{4}$")))
    assert [row["text"] for row in rows] == ["2026"]


def test_what_is_gathered_and_what_is_collected(engine):
    one = engine.load([{"id": "b", "n": 2}, {"id": "a", "n": None}], {"id": "string", "n": "int64"})
    two = engine.load([{"id": "a", "n": 5}], {"id": "string", "n": "int64"}).select("id")
    both = engine.gather([one, two], {"id": "string", "n": "int64"})
    told = both.agg(
        ids=both.id.collect(order_by=[both.n.desc(nulls_first=False), both.id]),
        least=both.id.first(order_by=[both.n, both.id.desc()]),
        none=both.count(where=both.n > 9),
    )
    assert engine.row(told) == {"ids": ["b", "a", "a"], "least": "b", "none": 0}
    engine.release(both)


def test_a_list_that_is_missing_in_a_list_of_lists(engine, file):
    lines = file('{"x": [{"y": ["a"]}, {}, {"y": ["b", null]}]}', '{"x": [{}]}', "{}")
    table = engine.read_ndjson(lines, {"x": "array<struct<y: array<string>>>"})
    flat = table.select(line=engine.line(table), y=table.x.map(lambda each: each.y).flatten()).order_by("line")
    assert [row["y"] for row in all_of(engine, flat)] == [["a", "b", None], [], None]


def test_a_list_that_is_missing_beside_another(engine, file):
    lines = file('{"x": ["a"], "y": ["b"]}', '{"x": ["a"]}', '{"y": ["b"]}', "{}")
    table = engine.read_ndjson(lines, {"x": "array<string>", "y": "array<string>"})
    both = table.select(line=engine.line(table), both=table.x.concat(table.y)).order_by("line")
    assert [row["both"] for row in all_of(engine, both)] == [["a", "b"], None, None, None]


def test_rows_that_differ_have_other_digests(engine):
    table = engine.load([{"n": n} for n in range(9)], {"n": "int64"})
    digests = table.mutate(digest=ibis.struct({"n": table.n, "t": table.n.cast("string")}).hash())
    told = engine.row(digests.agg(n=digests.digest.nunique(), widest=digests.digest.max()))
    assert told["n"] == 9 and told["widest"] > 2**33


def test_a_table_as_csv(engine, tmp_path):
    rows = [
        {"a": 'x "y", z', "at": "2026-01-01T10:00:00"},
        {"a": "", "at": None},
        {"a": None, "at": "2026-01-01T10:00:00.5"},
    ]
    table = engine.load(rows, {"a": "string", "at": "timestamp"})
    assert engine.write_csv(table.order_by(table.a.desc(nulls_first=False)), tmp_path / "t.csv") == 3
    assert (tmp_path / "t.csv").read_text() == ('a,at\n"x ""y"", z",2026-01-01 10:00:00\n"",\n,2026-01-01 10:00:00.5\n')


def test_a_file_of_the_lake_is_one_private_file(engine, tmp_path):
    path = tmp_path / "it's [one].parquet"
    assert engine.write_parquet(engine.load([], {"id": "string"}), path) == 0
    assert engine.write_parquet(engine.load([{"id": "1"}], {"id": "string"}), path) == 1
    assert (path.stat().st_mode & 0o777, all_of(engine, engine.read_parquet(path))) == (0o600, [{"id": "1"}])
    assert [each.name for each in tmp_path.iterdir() if each.name != "spill"] == [path.name]
