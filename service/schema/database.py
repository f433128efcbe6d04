"""A file of the lake, or the URL of a PostgreSQL, in; an engine on it out, its tables brought up to this version.

Migrations only add, so that an old and a new version of the service work side by side during a deploy: who finds a
newer revision than its own goes on with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from service.errors import LakeProblem, WrongUsage
from service.tables import REVISION, TABLES

MIGRATIONS = Path(__file__).parent / "migrations"
PATIENCE = 30  # seconds that a writer waits for another
ALONE = 7_052_001  # the number of our advisory lock

_revisions = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


@contextmanager
def database(path: Path, url: str | None = None) -> Iterator[sa.Engine]:
    """`url` wins; LakeProblem says what the database said, and never shows a password."""
    engine = _shared(url) if url else _embedded(path)
    try:
        _brought_up(engine)
        yield engine
    except sa.exc.DatabaseError as error:
        raise LakeProblem(
            f"the catalog cannot be used: {error.orig}",
            where=engine.url.render_as_string(hide_password=True) if url else str(path),
            do="see that catalog_url is right and its server runs" if url else "restore it from a backup",
        ) from error
    finally:
        engine.dispose()


def _embedded(path: Path) -> sa.Engine:
    path.touch(mode=0o600)
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": PATIENCE})
    sa.event.listen(engine, "connect", _durable)
    return engine


def _shared(url: str) -> sa.Engine:
    """A connection that died with a restart of the server is replaced before it is used."""
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() != "postgresql":
            raise WrongUsage("a shared catalog is a PostgreSQL", where="catalog_url", do="write postgresql://...")
        return sa.create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    except sa.exc.ArgumentError as error:
        raise WrongUsage("that is no URL", where="catalog_url", do="write postgresql://user@host/name") from error
    except ImportError as error:
        raise WrongUsage(
            "a shared catalog needs psycopg", where="catalog_url", do="install fhir-personalization[postgres]"
        ) from error


def _brought_up(engine: sa.Engine) -> None:
    with engine.connect() as look:
        if _current(look):
            return
    with engine.begin() as tx:
        _alone(tx)
        if not _current(tx):
            _made(tx)


def _current(connection: sa.Connection) -> bool:
    if not sa.inspect(connection).has_table(_revisions.name):
        return False
    found = connection.execute(sa.select(_revisions.c.version_num)).scalar()
    return found is not None and found >= REVISION


def _alone(tx: sa.Connection) -> None:
    """Of several processes that start at once, one makes the tables, and the others then find them."""
    if tx.dialect.name == "sqlite":
        tx.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(ALONE)))


def _made(tx: sa.Connection) -> None:
    if sa.inspect(tx).has_table("runs"):
        _migrated(tx)
        return
    TABLES.create_all(tx)
    _revisions.create(tx)
    tx.execute(_revisions.insert().values(version_num=REVISION))


def _migrated(tx: sa.Connection) -> None:
    # Brings templates and their compiler along, which only a catalog of an earlier version needs.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = tx
    command.upgrade(config, "head")


def _durable(connection: object, _record: object) -> None:
    """Readers beside a writer, and a commit that survives a crash of the process."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()
