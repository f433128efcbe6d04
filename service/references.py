"""A reference in, the record of this source that it names out: `Patient/1` under whichever address, in any version."""

from __future__ import annotations

import re
from collections.abc import Iterable

VERSION_OR_PART = re.compile(r"/_history/.*|[|#].*")  # of the same record


def named(reference: str, bases: Iterable[str]) -> tuple[str, str]:
    """Type and id; both empty where it is at another address, for a record of that id here may be somebody else's.

    Whether http or https is no question of identity: a proxy may add or end the latter.
    """
    base, kind, name = ["", "", *VERSION_OR_PART.sub("", reference).rsplit("/", 2)][-3:]
    if base and _without_scheme(base) not in map(_without_scheme, bases):
        return "", ""
    return kind, name


def _without_scheme(base: str) -> str:
    return base.split("://")[-1].rstrip("/")
