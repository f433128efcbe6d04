"""One patient's before and after in, the lines that a person reads on a terminal of 80 columns out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.write_back.diff import Bears, Measured, PatientDiff

WIDTH, LABEL = 80, 12
ARROW = " -> "


def lines(one: PatientDiff) -> Iterator[str]:
    """Who, what becomes of it, then a line a thing that changes."""
    yield f"{one.patient}  {'held' if one.action == 'unchanged' and not one.on_patient else one.action}"
    if one.action == "remove":
        yield from _labelled("because", "; ".join(one.reasons))
    yield from _bears("level", "pathways", one.panel, renewed=not one.measures)
    for other in one.others:
        yield from _labelled(other.what, f"{other.before or 'none'}{ARROW}{other.after or 'none'}")
    yield from _measures(one)
    yield from _on_patient(one.on_patient)
    for why in one.held:
        yield from _labelled("held", why)


def _bears(level: str, pathways: str, pair: tuple[Bears | None, Bears | None], *, renewed: bool) -> Iterator[str]:
    before, after = pair
    was, shall = before.level if before else None, after.level if after else None
    if was != shall:
        yield from _labelled(level, f"{was or 'none'}{ARROW}{shall or 'none'}")
    if moved := _moved(before.pathways if before else (), after.pathways if after else ()):
        yield from _labelled(pathways, moved)
    if before and after and was == shall and not moved and renewed and before.valid_until != after.valid_until:
        yield from _labelled("valid until", f"{before.valid_until}{ARROW}{after.valid_until}")


def _moved(before: Sequence[str], after: Sequence[str]) -> str:
    """What comes, what goes, what stays: `+ proactive-outreach, - usual-clinician (care-coordination stays)`."""
    comes = [f"+ {code}" for code in after if code not in before]
    goes = [f"- {code}" for code in before if code not in after]
    stays = [code for code in after if code in before]
    if not comes and not goes:
        return ""
    unchanged = f" ({', '.join(stays)} {'stays' if len(stays) == 1 else 'stay'})" if stays else ""
    return ", ".join([*comes, *goes]) + unchanged


def _measures(one: PatientDiff) -> Iterator[str]:
    """Of a panel that is new only what says something; the zeros and the unknown are counted."""
    told, zeros, unknown = list(one.measures), 0, 0
    if one.action == "create":
        zeros, unknown = sum(map(_zero, told)), sum(map(_unknown, told))
        told = [each for each in told if not _zero(each) and not _unknown(each)]
    if told:
        yield "  measures"
        yield from (line for each in told for line in _measure(each))
    if zeros or unknown:
        yield from _labelled("", f"and {zeros} that are 0, {unknown} that are unknown")


def _zero(measured: Measured) -> bool:
    return (measured.after or "").split(" ")[0] == "0"


def _unknown(measured: Measured) -> bool:
    return (measured.after or "").startswith("unknown")


def _measure(measured: Measured) -> Iterator[str]:
    """Title and values on one line, or where they do not fit one below the other."""
    values = measured.after or "none"
    if measured.before is not None or measured.after is None:
        values = f"{measured.before or 'none'}{ARROW}{values}"
    room = WIDTH - 4 - len(measured.what) - 2
    if len(values) <= room:
        yield f"    {measured.what}  {values.rjust(room)}"
    else:
        yield f"    {measured.what}"
        yield from textwrap.wrap(values, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)


def _on_patient(pair: tuple[Bears | None, Bears | None] | None) -> Iterator[str]:
    if pair is None:
        return
    before, after = pair
    if after is None:
        yield from _labelled("on Patient", "our extension is taken off")
    elif before is None:
        yield from _labelled("on Patient", f"new: {', '.join([after.level or 'no level', *after.pathways])}")
    else:
        yield from _labelled("on Patient", _between(before, after))


def _between(before: Bears, after: Bears) -> str:
    level = f"{before.level or 'none'}{ARROW}{after.level or 'none'}" if before.level != after.level else ""
    moved = _moved(before.pathways, after.pathways)
    renewed = f"valid until {before.valid_until}{ARROW}{after.valid_until}"
    return "; ".join(each for each in (level, moved) if each) or renewed


def _labelled(label: str, text: str) -> Iterator[str]:
    indent = " " * (LABEL + 2)
    yield from textwrap.wrap(
        text, WIDTH, initial_indent=f"  {label:<{LABEL}}", subsequent_indent=indent, break_on_hyphens=False
    )
