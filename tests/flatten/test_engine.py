"""The engine: private files, no traces, no network, and streams that do not mix."""

import stat
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import ibis
import pytest

from service.engine import Engine
from service.errors import LakeProblem


@pytest.fixture
def engine(tmp_path):
    with Engine.open(tmp_path / "spill") as opened:
        yield opened


def test_spilled_data_is_private_and_gone_afterwards(tmp_path):
    spill = tmp_path / "spill"
    with Engine.open(spill) as engine:
        assert engine.scratch.parent == spill
        assert stat.S_IMODE(engine.scratch.stat().st_mode) == 0o700
        engine.load([{"id": "1"}], {"id": "string"})
    assert not spill.exists()


def test_a_spill_larger_than_memory_stays_inside(tmp_path):
    spill = tmp_path / "spill"
    with Engine.open(spill, memory="100MB", threads=1) as engine:
        numbers = ibis.range(0, 4_000_000).unnest().name("n").as_table()
        table = engine.materialise(numbers.mutate(text=numbers.n.cast("string").lpad(60, "x")))
        assert any(file.stat().st_size for file in engine.scratch.iterdir())
        assert engine.row(table.agg(n=table.text.nunique()))["n"] == 4_000_000
    assert not spill.exists()


def test_written_files_are_private_and_paths_may_hold_quotes(engine, tmp_path):
    path = tmp_path / "o'brien.parquet"
    engine.write_parquet(engine.load([{"id": "1"}], {"id": "string"}), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [row["id"] for row in engine.rows(engine.read_parquet(path))] == ["1"]


def test_sums_keep_their_types_in_parquet(engine, tmp_path):
    table = engine.load([{"n": 1, "d": "1.5"}, {"n": 2, "d": "2.5"}], {"n": "int64", "d": "decimal(18, 6)"})
    engine.write_parquet(table.agg(n=table.n.sum(), d=table.d.sum()), tmp_path / "sums.parquet")
    assert engine.row(engine.read_parquet(tmp_path / "sums.parquet")) == {"n": 3, "d": Decimal(4)}


def test_a_missing_file_says_what_to_do(engine, tmp_path):
    with pytest.raises(LakeProblem, match="Run the stage before this one again"):
        engine.read_parquet(tmp_path / "none.parquet")


def test_time_zones_need_no_extension_from_the_network(engine):
    noon = engine.at(datetime(2026, 7, 1, 12, tzinfo=UTC))
    zone = ZoneInfo("America/New_York")
    there = engine.local(noon, zone)
    row = engine.row(engine.load([{"id": "1"}], {"id": "string"}).select(there=there, back=engine.instant(there, zone)))
    assert row == {"there": datetime(2026, 7, 1, 8), "back": datetime(2026, 7, 1, 12)}


def test_a_long_question_draws_nothing(engine):
    """A bar goes to stdout, before the answer, which is no JSON any more then."""
    said = engine._connection.con.execute("SELECT current_setting('enable_progress_bar')")
    assert said.fetchone() == (False,)
