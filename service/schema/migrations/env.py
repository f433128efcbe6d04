"""A connection whose transaction somebody else has begun in, the steps that it lacks carried out on it."""

from __future__ import annotations

from alembic import context

from service.tables import TABLES

context.configure(connection=context.config.attributes["connection"], target_metadata=TABLES)
context.run_migrations()
