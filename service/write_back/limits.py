"""A plan's figures and a source's limits in; what goes beyond them out, with the flag that would allow it.

A limit stops a run that is not what its owner thinks it is: a policy that moves half of the levels, a pull that came
back nearly empty. It is judged on the whole plan, before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor

from service.errors import BeyondLimit
from service.settings import Source
from service.write_back.plan_file import Header

LEVEL_CHANGES, FROM_PATIENTS = 0.2, 20  # unless set: that share of the levels, where at least so many stand


@dataclass(frozen=True)
class Beyond:
    """One limit that a plan exceeds, in words."""

    what: str
    flag: str
    figure: int

    @property
    def allowed_by(self) -> str:
        return f"{self.flag} {self.figure}"


def beyond(header: Header, source: Source) -> list[Beyond]:
    """Every limit of `source` that the plan exceeds; none of them when it may be carried out."""
    return [*_changes(header, source), *_level_changes(header, source), *_removals(header, source)]


def within_limits(header: Header, source: Source) -> None:
    """BeyondLimit names each figure, its limit and its flag; nothing was sent by then."""
    exceeded = beyond(header, source)
    if exceeded:
        settings = ", ".join(each.flag.removeprefix("--").replace("-", "_") for each in exceeded)
        raise BeyondLimit(
            "; ".join(each.what for each in exceeded),
            where=source.id,
            do=f"nothing was written. Look at `personalize plan {source.id} --diff`; if that is what you want, give "
            f"{' '.join(each.allowed_by for each in exceeded)}, or set {settings} in personalize.toml",
        )


def _changes(header: Header, source: Source) -> Iterator[Beyond]:
    if source.max_changes is not None and header.changes > source.max_changes:
        what = f"the plan writes about {header.changes:,} patients, and max_changes is {source.max_changes:,}"
        yield Beyond(what, "--max-changes", header.changes)


def _level_changes(header: Header, source: Source) -> Iterator[Beyond]:
    limit = source.max_level_changes
    if limit is None and header.levels < FROM_PATIENTS:
        return
    share = LEVEL_CHANGES if limit is None else limit
    if header.level_changes <= (floor(share * header.levels) if isinstance(share, float) else share):
        return
    changed = header.level_changes / header.levels
    yield Beyond(
        f"the plan changes {header.level_changes:,} of {header.levels:,} levels ({changed:.0%}), and "
        f"max_level_changes is {f'{share:.0%}' if isinstance(share, float) else f'{share:,}'}"
        f"{' unless set' if limit is None else ''}",
        "--max-level-changes",
        header.level_changes,
    )


def _removals(header: Header, source: Source) -> Iterator[Beyond]:
    if header.removals > source.max_removals:
        what = f"the plan removes {header.removals:,} panels, and max_removals is {source.max_removals:,}"
        yield Beyond(what, "--max-removals", header.removals)
