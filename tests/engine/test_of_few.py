"""An engine that will be asked about few resources shares a DuckDB with others of its process, and nothing else."""

import stat
import threading

import duckdb
import pytest

from service.engine import Engine
from service.engine.duckdb_connections import AS_IT_STANDS
from service.engine.parsed import Parsed


def of_few(tmp_path, about=AS_IT_STANDS):
    return Engine.open(tmp_path / "spill", about=about)


def tables(engine):
    return engine.run("SELECT count(*) FROM duckdb_tables()")[0][0]


def setting(engine, name):
    return engine.run(f"SELECT current_setting('{name}')")[0][0]


def test_each_has_its_own_tables_and_leaves_none(tmp_path):
    with of_few(tmp_path) as one, of_few(tmp_path) as other:
        first, second = one.load([{"n": 1}], {"n": "int64"}), other.load([{"n": 2}], {"n": "int64"})
        assert first.op().name == second.op().name
        assert (one.row(first), other.row(second)) == ({"n": 1}, {"n": 2})
    with of_few(tmp_path) as later:
        assert tables(later) == 0


def test_threads_ask_beside_each_other(tmp_path):
    said = []

    def ask(number):
        with of_few(tmp_path) as engine:
            for _ in range(20):
                said.append(engine.row(engine.load([{"n": number}], {"n": "int64"}))["n"] == number)

    threads = [threading.Thread(target=ask, args=[number]) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert said == [True] * 80


@pytest.mark.parametrize(("about", "alone"), [(AS_IT_STANDS, False), (AS_IT_STANDS + 1, True), (None, True)])
def test_only_one_that_may_need_it_spills(tmp_path, about, alone):
    with of_few(tmp_path, about) as engine:
        assert (setting(engine, "temp_directory") == str(engine.scratch)) is alone
        assert not setting(engine, "autoinstall_known_extensions")
        assert not setting(engine, "autoload_known_extensions")
        assert setting(engine, "TimeZone") == "UTC"
        assert setting(engine, "enable_external_file_cache") is alone, "what a run read does not stay in memory"


def test_after_an_error_of_duckdb_the_next_has_another(tmp_path):
    with of_few(tmp_path) as engine:
        engine.run("CREATE TABLE kept AS SELECT 1")
    with of_few(tmp_path) as engine:
        assert tables(engine) == 1
    with pytest.raises(duckdb.CatalogException), of_few(tmp_path) as engine:
        engine.run("SELECT * FROM nothing")
    with of_few(tmp_path) as engine:
        assert tables(engine) == 0


def test_a_file_without_rows_is_what_would_have_been_written(tmp_path):
    with of_few(tmp_path) as engine:
        table = engine.load([], {"id": "string", "at": "timestamp", "codes": "array<string>"})
        engine.write_parquet(table, tmp_path / "asked.parquet")
        for name in ("first", "again"):
            engine.write_empty(table, tmp_path / f"{name}.parquet")
            assert (tmp_path / f"{name}.parquet").read_bytes() == (tmp_path / "asked.parquet").read_bytes()
            assert stat.S_IMODE((tmp_path / f"{name}.parquet").stat().st_mode) == 0o600


def test_a_statement_is_parsed_once_and_the_oldest_are_forgotten():
    parsed, one, other = Parsed(2), duckdb.connect(), duckdb.connect()
    first = parsed.of("SELECT 1", one)
    assert other.execute(first).fetchall() == [(1,)]
    assert parsed.of("SELECT 1", other) is first
    for number in (2, 3):
        parsed.of(f"SELECT {number}", one)
    assert parsed.of("SELECT 1", one) is not first
