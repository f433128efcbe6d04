"""The catalog and the lake in, which runs of a source together tell everybody's newest profile out.

The newest run of all patients is the ground; later runs of a few patients lie over it, for they took nobody away.
"""

from __future__ import annotations

import sqlalchemy as sa

from service.catalog import Catalog, Run
from service.lake import Lake
from service.report.basis import limited
from service.tables import runs

SETTLED = ("plan", "apply")


def layers(catalog: Catalog, lake: Lake, source: str) -> list[Run]:
    """Oldest first; empty where nothing was planned or applied yet. What was undone does not count."""
    found: list[Run] = []
    for run in _settled(catalog, source):
        if (lake.profiles(source, run.run) / "profiles.json").is_file():
            found.insert(0, run)
            if not limited(lake.raw(source, run.run)):
                break
    return found


def _settled(catalog: Catalog, source: str) -> list[Run]:
    chosen = sa.select(runs).where(runs.c.source == source, runs.c.stage.in_(SETTLED)).order_by(runs.c.run.desc())
    with catalog.engine.connect() as tx:
        return [Run(**row) for row in tx.execute(chosen).mappings()]
