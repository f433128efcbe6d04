"""The tables of the catalog. One of an earlier version still opens: what is new gets a table of its own."""

from __future__ import annotations

import sqlalchemy as sa

TABLES = sa.MetaData()

runs = sa.Table(
    "runs",
    TABLES,
    sa.Column("run", sa.String, primary_key=True),
    sa.Column("source", sa.String, nullable=False),
    sa.Column("base", sa.String, nullable=False),
    sa.Column("installation", sa.String, nullable=False),
    sa.Column("started", sa.String, nullable=False),
    sa.Column("stage", sa.String, nullable=False),
)

plans = sa.Table(
    "plans",
    TABLES,
    sa.Column("run", sa.String, primary_key=True),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
)

written = sa.Table(
    "written",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run", sa.String, nullable=False),
    sa.Column("patient", sa.String),
    sa.Column("resource", sa.String, nullable=False),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False, index=True),
    sa.Column("version", sa.String),
    sa.Column("before", sa.LargeBinary),
    sa.Column("after", sa.LargeBinary),
    sa.Index("written_by_patient", "run", "patient"),
    sa.Index("written_by_resource", "resource"),
)

reviews = sa.Table(
    "reviews",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("source", sa.String, nullable=False),
    sa.Column("patient", sa.String, nullable=False),
    sa.Column("decision", sa.String, nullable=False),
    sa.Column("person", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("decided", sa.String, nullable=False),
    sa.Column("until", sa.String),
    sa.Column("grounds", sa.String, nullable=False),
    sa.Column("level", sa.String),
    sa.Column("added", sa.JSON, nullable=False),
    sa.Column("dropped", sa.JSON, nullable=False),
    sa.Index("reviews_by_patient", "source", "patient"),
)

watermarks = sa.Table(
    "watermarks",
    TABLES,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("base", sa.String, primary_key=True),
    sa.Column("type", sa.String, primary_key=True),
    sa.Column("run", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
)

found = sa.Table(
    "found",
    TABLES,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("base", sa.String, primary_key=True),
    sa.Column("what", sa.String, primary_key=True),
    sa.Column("said", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
)

names = sa.Table(
    "names",
    TABLES,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("base", sa.String, primary_key=True),
    sa.Column("ours", sa.String, primary_key=True),
    sa.Column("theirs", sa.String, nullable=False),
)

feedback = sa.Table(
    "feedback",
    TABLES,
    sa.Column("client", sa.String, primary_key=True),
    sa.Column("service", sa.String, primary_key=True),
    sa.Column("card", sa.String, primary_key=True),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("reason", sa.String),
    sa.Column("at", sa.String, nullable=False),
)

tokens_seen = sa.Table(
    "tokens_seen",
    TABLES,
    sa.Column("issuer", sa.String, primary_key=True),
    sa.Column("jti", sa.String, primary_key=True),
    sa.Column("ends", sa.Float, nullable=False, index=True),
)

aside = sa.Table(
    "aside",
    TABLES,
    sa.Column("run", sa.String, primary_key=True),
    sa.Column("patient", sa.String, primary_key=True),
    sa.Column("why", sa.String, nullable=False),
)
