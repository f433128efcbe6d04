"""Visits in, the date of the last preventive one out; preventive.toml names the codes that make a visit preventive."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import ibis
import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.measure import NEVER_RECORDED, NOT_RECORDED_BY_SOURCE, measure
from service.derive.windows import EVER, Window

CODE = "last-preventive-visit"


@measure(
    CODE, title="Last preventive visit", dimension="proactivity", unit="date", windows=(EVER,),
    absent=NEVER_RECORDED, source="code systems named in the value set",
)  # fmt: skip
def last_preventive_visit(events: Events, window: Window) -> ir.Table:
    """The local date of the last visit whose type or reason is a code for preventive care. A source that records no
    such visit for anybody leaves it unknown for everybody."""
    seen = preventive(events, window)
    last = seen.group_by("patient").agg(date=seen.day.max())
    recorded = last.agg(n=last.count())
    everybody = events.people.roster.select("patient").left_join(last, "patient").drop("patient_right")
    everybody = everybody.cross_join(recorded)
    nobody = (everybody.n == 0) & ("preventive" not in events.known)
    why = ibis.cases((nobody, NOT_RECORDED_BY_SOURCE), else_=NEVER_RECORDED)
    return everybody.select("patient", "date", unknown=ibis.cases((everybody.date.isnull(), why)))


def preventive(events: Events, window: Window) -> ir.Table:
    visits = events.encounters
    bearing = visits.filter(visits.codes.filter(_is_preventive).length() > 0)
    return bearing.filter(window.holds(bearing.start, events.engine))


def _is_preventive(code: ir.StringValue) -> ir.BooleanValue:
    return ibis.or_(*(code.re_search(rf"^({systems})\|({codes})$") for systems, codes in _value_set()))


def _value_set() -> list[tuple[str, str]]:
    """Patterns of system and code, one pair for each entry."""
    entries = tomllib.loads(files(__package__).joinpath("preventive.toml").read_text("utf-8"))["include"]
    return [(_any_of(entry["system"]), _any_of(entry["code"])) for entry in entries]


def _any_of(texts: list[str]) -> str:
    """Literal texts, in which a final * stands for any further characters."""
    return "|".join(text.replace(".", r"\.").replace("*", r"[0-9A-Z]*") for text in texts)
