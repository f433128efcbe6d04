"""The tables of the catalog, as `schema/migrations` makes them of one of an earlier version."""

from __future__ import annotations

import sqlalchemy as sa

REVISION = "0003"  # of `schema/migrations`, the last; a test compares
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

jobs = sa.Table(
    "jobs",
    TABLES,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("patient", sa.String, primary_key=True),
    sa.Column("asked", sa.Integer, nullable=False),
    sa.Column("first", sa.Float, nullable=False),
    sa.Column("due", sa.Float, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("fence", sa.Integer),
    sa.Column("until", sa.Float),
    sa.Column("said", sa.String),
    sa.Column("aside", sa.Boolean, nullable=False),
    sa.Index("jobs_by_due", "aside", "due"),
)

ended = sa.Table(
    "ended",
    TABLES,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("how", sa.String, primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
)

fences = sa.Table(
    "fences",
    TABLES,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("last", sa.Integer, nullable=False),
)

schedules = sa.Table(
    "schedules",
    TABLES,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("cron", sa.String, nullable=False),
    sa.Column("next", sa.Float, nullable=False),
)

heard = sa.Table(
    "heard",
    TABLES,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("base", sa.String, primary_key=True),
    sa.Column("until", sa.String, nullable=False),
)

subscriptions = sa.Table(
    "subscriptions",
    TABLES,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("source", sa.String, nullable=False),
    sa.Column("base", sa.String, nullable=False),
    sa.Column("form", sa.String, nullable=False),
    sa.Column("criteria", sa.String, nullable=False),
    sa.Column("theirs", sa.String),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("ends", sa.Float, nullable=False),
    sa.Column("events", sa.BigInteger, nullable=False),
    sa.Column("called", sa.Float),
)
