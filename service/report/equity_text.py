"""What the equity report found in, a table for a terminal or a FHIR MeasureReport out."""

from __future__ import annotations

from collections.abc import Iterator

from service.compose.content import Json
from service.report.basis import Basis
from service.report.equity import LEVEL, Comparison, Equity, Served
from service.report.measure_report import Counted, Part, measure_report
from service.report.words import count, percent, table

HEAD = ("stratum", "patients", "of them", "share", "95 % interval", "ratio to the best", "95 % interval", "")


def lines(found: Equity) -> Iterator[str]:
    yield f"Who is served how, as of {found.as_of[:10]}, policy {found.policy_version}: {count(found.n)} patients"
    for each in filter(_worth_a_table, found.comparisons):
        yield ""
        yield _title(each)
        yield from (f"  {line}" for line in table(HEAD, (_row(served, each) for served in each.strata)))
    yield ""
    if found.marked:
        places = (f"{each.what} of {', '.join(each.lower)} (by {each.by}, need {each.need})" for each in found.marked)
        yield f"lower at equal need: {'; '.join(places)}"
    else:
        yield "lower at equal need: none that the numbers shown tell of"
    if found.untold:
        yield f"not told at equal need: {found.untold:,} numbers, which are suppressed"
    yield from (f"note: {note}" for note in found.notes)


def _worth_a_table(each: Comparison) -> bool:
    """Pathways band by band only where there is something to see; --json has all."""
    return each.need is None or each.what == LEVEL or bool(each.lower and not each.accommodation)


def _title(each: Comparison) -> str:
    need = "all patients" if each.need is None else f"equal in need: {each.need} emergency visits and stays"
    design = ", an accommodation: differences are meant" if each.accommodation else ""
    return f"by {each.by}: {each.what} ({need}{design})"


def _row(one: Served, each: Comparison) -> tuple[str, ...]:
    interval = "" if one.interval is None else f"{one.interval.low * 100:.1f} to {one.interval.high * 100:.1f} %"
    ratio = "best" if one.stratum == each.best else "" if one.ratio is None else f"{one.ratio:.2f}"
    between = one.ratio_interval
    lower = "lower" if one.lower and not each.accommodation else ""
    return (
        one.stratum,
        count(one.n),
        count(one.selected),
        percent(one.rate),
        interval,
        ratio,
        "" if between is None else f"{between.low:.2f} to {between.high:.2f}",
        lower,
    )


def summary(found: Equity, basis: Basis) -> Json:
    """A group each thing asked, stratified by every axis (and within a band of need); the score is the share."""
    whats = dict.fromkeys((each.what, each.need) for each in found.comparisons)
    return measure_report("equity", basis, basis.opens["p1y"], [_part(found, what, need) for what, need in whats])


def _part(found: Equity, what: str, need: str | None) -> Part:
    those = [each for each in found.comparisons if (each.what, each.need) == (what, need)]
    strata = {each.by: {one.stratum: _counted(one) for one in each.strata} for each in those}
    title = what if need is None else f"{what}, among those of need {need}"
    whole = Counted({"initial-population": found.n}) if need is None else Counted({})
    return Part("profile", title, whole, strata)


def _counted(one: Served) -> Counted:
    score = None if one.rate is None else round(one.rate, 4)
    return Counted({"denominator": one.n, "numerator": one.selected}, score)
