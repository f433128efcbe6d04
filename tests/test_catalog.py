"""The catalog in the lake and on a PostgreSQL that several machines share: its tables, and how they came to be so."""

import concurrent.futures
import sqlite3
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from service.catalog import Catalog, Run
from service.errors import LakeProblem, WrongUsage
from service.schema.database import MIGRATIONS, _migrated, database
from service.tables import REVISION, TABLES

BEFORE = Path(__file__).parent / "data" / "catalog-before-migrations.sql"
RUN = "20260701T000000000000Z"
BASE = "http://127.0.0.1:1/fhir"


@pytest.fixture(params=["file", "postgresql"])
def url(request):
    return request.getfixturevalue("empty_postgres") if request.param == "postgresql" else None


def of_before(folder):
    path = folder / "catalog.sqlite"
    with sqlite3.connect(path) as old:
        old.executescript(BEFORE.read_text())
    return path


def differences(engine):
    with engine.connect() as look:
        return compare_metadata(MigrationContext.configure(look, opts={"compare_type": True}), TABLES)


def revision(engine):
    with engine.connect() as look:
        return look.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def test_a_new_catalog_is_what_the_migrations_make(tmp_path, url):
    with database(tmp_path / "new.sqlite", url) as engine:
        assert differences(engine) == []
        assert revision(engine) == REVISION
        names = sa.inspect(engine).get_table_names()
        with engine.begin() as tx:
            for name in names:
                tx.exec_driver_sql(f"DROP TABLE {name}")
            _migrated(tx)
        assert differences(engine) == []
        assert set(sa.inspect(engine).get_table_names()) == set(names)
        assert revision(engine) == REVISION


def test_the_revision_that_the_code_names_is_the_last():
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [REVISION]


def test_a_catalog_from_before_migrations_keeps_its_rows(tmp_path):
    path = of_before(tmp_path)
    with Catalog.open(path) as catalog:
        assert differences(catalog.engine) == []
        assert revision(catalog.engine) == REVISION
        assert catalog.latest("hospital", ["apply"]).run == RUN
        [write] = catalog.writes(RUN, "Patient/p1")
        assert (write.resource, write.version, write.after) == ("Observation/o1", "1", b"f")
        assert catalog.aside(RUN) == {"Patient/p2": "refused"}
        assert catalog.named("hospital", BASE) == {"Observation/o1": "Observation/77"}
        assert catalog.marks("hospital", BASE)[0] == RUN
        assert catalog.plan_digest(RUN) == "abc"


def test_one_that_lacks_tables_and_indexes_of_then_gets_them(tmp_path):
    path = of_before(tmp_path)
    with sqlite3.connect(path) as old:
        old.executescript("DROP TABLE feedback; DROP TABLE tokens_seen; DROP INDEX written_by_resource")
    with Catalog.open(path) as catalog:
        assert differences(catalog.engine) == []


def test_an_upgrade_that_fails_leaves_the_catalog_as_it_was(tmp_path):
    path = of_before(tmp_path)
    with sqlite3.connect(path) as old:
        old.execute("CREATE TABLE schedules (own TEXT)")  # in the way of the second step
    before = _schema(path)
    with pytest.raises(LakeProblem, match="already exists"), Catalog.open(path):
        pass
    assert _schema(path) == before


def _schema(path):
    with sqlite3.connect(path) as look:
        return sorted(look.execute("SELECT name, sql FROM sqlite_master"))


def test_one_of_a_newer_version_is_worked_with_and_left_as_it_is(tmp_path, url):
    path = tmp_path / "catalog.sqlite"
    with database(path, url) as engine, engine.begin() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        tx.exec_driver_sql("ALTER TABLE runs ADD COLUMN later VARCHAR")
    with Catalog.open(path, url) as catalog:
        catalog.begin(Run(RUN, "hospital", BASE, "here", "2026-07-01T00:00:00+00:00", "begun"))
        assert catalog.run(RUN).source == "hospital"
        assert revision(catalog.engine) == "9999"


def test_of_several_who_open_it_first_at_once_all_find_it_made(tmp_path, url):
    def opened(number):
        with Catalog.open(tmp_path / "catalog.sqlite", url) as catalog:
            return catalog.begin(Run(f"{RUN}{number}", "hospital", BASE, "here", "now", "begun"))

    with concurrent.futures.ThreadPoolExecutor(8) as crew:
        assert len(list(crew.map(opened, range(8)))) == 8


def test_the_whole_pipeline_stands_on_postgresql(personalize, planted_sandbox, empty_postgres, tmp_path, monkeypatch):
    monkeypatch.setenv("PERSONALIZE_CATALOG_URL", empty_postgres)
    words = ("run", planted_sandbox.url, "--as-of", "2026-07-01", "--apply", "--json")
    first = personalize(*words)
    assert first.json["written"]["Observation"] == 16, first.err
    assert personalize(*words).json["written"] == {}
    assert not (tmp_path / "lake" / "catalog.sqlite").exists()
    said = personalize("erase", planted_sandbox.url, "p02-preventive", "--json")
    assert said.code in (0, 3), said.err
    assert not [each for each in said.json["left"] if each["where"].startswith("catalog")]
    assert personalize("undo", first.json["run"]).code == 0


def test_a_postgresql_that_was_restarted_is_found_again(real_postgres, tmp_path):
    with ExitStack() as held:
        catalog = held.enter_context(Catalog.open(tmp_path / "none", real_postgres.url))
        assert catalog.run("nosuch") is None
        real_postgres.end()
        real_postgres.begin()
        assert catalog.run("nosuch") is None


def test_what_cannot_be_reached_is_said_without_its_password(tmp_path):
    with (
        pytest.raises(LakeProblem, match="the catalog cannot be used") as error,
        Catalog.open(tmp_path / "none", "postgresql://me:secret@127.0.0.1:1/x"),
    ):
        pass
    assert "secret" not in error.value.text
    assert "catalog_url" in error.value.text


@pytest.mark.parametrize("url", ["mysql://me@127.0.0.1/x", "nothing"])
def test_another_kind_of_database_is_refused(tmp_path, url):
    with pytest.raises(WrongUsage, match=r"PostgreSQL|no URL"), Catalog.open(tmp_path / "none", url):
        pass
