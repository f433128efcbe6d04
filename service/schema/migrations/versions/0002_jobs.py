"""Jobs, schedules, Subscriptions, and how far each source was heard."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "jobs",
        *[sa.Column(key, sa.String, primary_key=True) for key in ("source", "kind", "patient")],
        sa.Column("asked", sa.Integer, nullable=False),
        sa.Column("first", sa.Float, nullable=False),
        sa.Column("due", sa.Float, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("fence", sa.Integer),
        sa.Column("until", sa.Float),
        sa.Column("said", sa.String),
        sa.Column("aside", sa.Boolean, nullable=False),
    )
    op.create_index("jobs_by_due", "jobs", ["aside", "due"])
    op.create_table(
        "fences", sa.Column("name", sa.String, primary_key=True), sa.Column("last", sa.Integer, nullable=False)
    )
    op.create_table(
        "schedules",
        *[sa.Column(key, sa.String, primary_key=True) for key in ("source", "kind")],
        sa.Column("cron", sa.String, nullable=False),
        sa.Column("next", sa.Float, nullable=False),
    )
    op.create_table(
        "heard",
        *[sa.Column(key, sa.String, primary_key=True) for key in ("source", "base")],
        sa.Column("until", sa.String, nullable=False),
    )
    _subscriptions()


def _subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.String, primary_key=True),
        *[sa.Column(name, sa.String, nullable=False) for name in ("source", "base", "form", "criteria")],
        sa.Column("theirs", sa.String),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("ends", sa.Float, nullable=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.Column("called", sa.Float),
    )
