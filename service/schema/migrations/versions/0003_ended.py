"""How many jobs ended how, whoever carried them out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "ended",
        *[sa.Column(key, sa.String, primary_key=True) for key in ("source", "kind", "how")],
        sa.Column("count", sa.BigInteger, nullable=False),
    )
