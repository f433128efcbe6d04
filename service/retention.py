"""A source and a number of days in, the files of runs out that are older and that nothing needs any more.

Needed are the newest run of all patients with everything since, and the pull that the next one follows. What runs wrote
stays in the catalog: they can still be undone.
"""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

from service.catalog import Catalog
from service.facade.store.runs import layers
from service.lake import Lake
from service.settings import Source


def outlived(lake: Lake, catalog: Catalog, source: Source, before: dt.datetime) -> list[Path]:
    """Folders and plans of runs begun before that moment; none where nobody knows what is needed."""
    needed = [run.run for run in layers(catalog, lake, source.id)[:1]]
    if held := catalog.marks(source.id, source.url):
        needed.append(held[0])
    if not needed:
        return []
    limit = min(*needed, before.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%S%fZ"))
    places = [lake.raw(source.id, ""), lake.facts(source.id, ""), lake.profiles(source.id, "")]
    found = [each for place in (*places, lake.plan(source.id, "").parent) for each in place.glob("[0-9]*Z*")]
    return sorted(each for each in found if each.name.removesuffix(".ndjson") < limit)


def remove(paths: list[Path]) -> None:
    for each in paths:
        if each.is_dir():
            shutil.rmtree(each)
        else:
            each.unlink(missing_ok=True)
