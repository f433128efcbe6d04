"""No tables, or those of a catalog from before there were migrations, in; all tables of that time out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Such a catalog may lack some: each was made when it was first needed."""
    _runs()
    _written()
    _reviews()
    _known_of_servers()
    _served()


def _runs() -> None:
    _table("runs", *_texts("source", "base", "installation", "started", "stage"), keys=["run"])
    _table("plans", *_texts("digest", "state"), keys=["run"])
    _table("aside", *_texts("why"), keys=["run", "patient"])


def _written() -> None:
    _table(
        "written",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        *_texts("run"),
        sa.Column("patient", sa.String),
        *_texts("resource", "action", "state"),
        sa.Column("version", sa.String),
        sa.Column("before", sa.LargeBinary),
        sa.Column("after", sa.LargeBinary),
    )
    _index("ix_written_state", "written", "state")
    _index("written_by_patient", "written", "run", "patient")
    _index("written_by_resource", "written", "resource")


def _reviews() -> None:
    _table(
        "reviews",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        *_texts("source", "patient", "decision", "person", "reason", "decided"),
        sa.Column("until", sa.String),
        *_texts("grounds"),
        sa.Column("level", sa.String),
        sa.Column("added", sa.JSON, nullable=False),
        sa.Column("dropped", sa.JSON, nullable=False),
    )
    _index("reviews_by_patient", "reviews", "source", "patient")


def _known_of_servers() -> None:
    _table("watermarks", *_texts("run", "at"), keys=["source", "base", "type"])
    _table("found", *_texts("said", "at"), keys=["source", "base", "what"])
    _table("names", *_texts("theirs"), keys=["source", "base", "ours"])


def _served() -> None:
    _table(
        "feedback",
        *_texts("outcome"),
        sa.Column("reason", sa.String),
        *_texts("at"),
        keys=["client", "service", "card"],
    )
    _table("tokens_seen", sa.Column("ends", sa.Float, nullable=False), keys=["issuer", "jti"])
    _index("ix_tokens_seen_ends", "tokens_seen", "ends")


def _table(name: str, *columns: sa.Column[object], keys: list[str] | None = None) -> None:
    first = [sa.Column(key, sa.String, primary_key=True) for key in keys or []]
    op.create_table(name, *first, *columns, if_not_exists=True)


def _index(name: str, table: str, *columns: str) -> None:
    op.create_index(name, table, list(columns), if_not_exists=True)


def _texts(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.String, nullable=False) for name in names]
