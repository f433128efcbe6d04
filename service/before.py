"""A run in, what earlier runs of its source left that it may rest on out. The newest come first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from service import derive as deriving
from service import flatten as flattening
from service import pull as pulling
from service import report, write_back
from service.lake import read_json
from service.work import Work

NEWEST = 8


def followed(work: Work) -> pulling.Earlier | None:
    """The newest complete pull of the source, whose lines need not be read again where nothing changed."""
    source, base = work.source.id, work.source.url
    if (held := work.catalog.marks(source, base)) is None:
        return None
    run, marks = held
    own = write_back.Echo.of(work.catalog, source, base, work.run.installation).is_own
    return pulling.Earlier.of(work.lake.raw(source, run), base, marks, own, work.source.bulk_group)


def flattened(work: Work) -> Iterator[flattening.Earlier]:
    """The run whose lines the pull took over, and the newest few: between two runs of all there may be thousands."""
    lake, source = work.lake, work.source.id
    follows = read_json(work.raw / "manifest.json", "pull").get("follows")
    followed = [str(follows)] if follows else []
    newest = islice(lake.flattened(source, before=work.run.run), NEWEST)
    for run in dict.fromkeys([*followed, *newest]):
        yield flattening.Earlier(lake.raw(source, run), lake.facts(source, run))


def profiled(work: Work) -> Iterator[deriving.Earlier]:
    """Runs of the source that were of all its patients, the newest first; none where this one is not."""
    lake, source = work.lake, work.source.id
    if report.limited(work.raw):
        return
    for run in lake.profiled(source, before=work.run.run):
        if not report.limited(lake.raw(source, run)):
            yield deriving.Earlier(lake.facts(source, run), lake.profiles(source, run))


def known(work: Work) -> deriving.Known:
    """What the source records of anybody: a run of some of its patients cannot tell."""
    found = None if pulling.whole(work.raw) else whole(work)
    return deriving.known(found) if found else deriving.NOTHING


def persons(work: Work, ids: Sequence[str]) -> Sequence[str]:
    """With the other records of these persons; a record need not say which were merged into it."""
    return deriving.persons(found, ids) if (found := whole(work)) else ids


def whole(work: Work) -> Path | None:
    """The profiles of the newest run of all patients of the source.

    The catalog knows its pull: a day may have thousands of runs of single patients since.
    """
    lake, source = work.lake, work.source.id
    held = work.catalog.marks(source, work.source.url)
    if held and lake.profiled_in(source, held[0]):
        return lake.profiles(source, held[0])
    runs = lake.profiled(source, before=work.run.run)
    return next((lake.profiles(source, run) for run in runs if pulling.whole(lake.raw(source, run))), None)
