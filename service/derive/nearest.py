"""One patient's profile and facts in, the rules that did not fire out: how far off, and by when an event would count.

A number that counts what happened in a window falls when the oldest leaves it; until then one more adds to it. When it
falls is found by counting again as of later midnights.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from service.derive.catalogue import BY_CODE
from service.derive.categories import Categories
from service.derive.events import Events, events
from service.derive.measure import NEVER_RECORDED, NO_CLAIMS, NO_INDEX_STAY, NO_STAY, TOO_FEW
from service.derive.people import people
from service.derive.policy import Policy
from service.derive.rules import AT_LEAST, OLDER, VALUE, Condition, LevelRow, Rule
from service.derive.windows import EVER, MONTH, WEEK, YEAR, months_before, window
from service.engine import Engine
from service.lake import read_json

DAYS = 366
WITHIN = {WEEK: "7 days", MONTH: "a month", YEAR: "a year", EVER: "the whole record"}
# Little happened: the rule was judged, and did not fire.
TOO_LITTLE = (TOO_FEW, NO_STAY, NO_INDEX_STAY, NO_CLAIMS, NEVER_RECORDED)
NUMERALS = {1: "one", 2: "two", 3: "three"}
Row = dict[str, Any]


@dataclass(frozen=True)
class Near:
    """A rule that did not fire. `gives` is a level or a pathway; `missing` is what the number lacks to the threshold.

    `until`: what is counted today counts as long as one more comes before this day. `since`: from this day on the rule
    fires if nothing comes. `judged` False: its measure is unknown.
    """

    gives: str
    kind: str
    measure: str
    title: str
    value: Decimal | dt.date | None
    comparator: str
    threshold: Decimal
    unit: str
    counts: bool
    missing: Decimal | None = None
    until: dt.date | None = None
    since: dt.date | None = None
    judged: bool = True

    @property
    def distance(self) -> tuple[Decimal, Decimal]:
        """How many are missing, of equals that of which there is some already; a ratio is further than one event."""
        missing = abs(self.missing or Decimal(0))
        share = missing / self.threshold
        return (missing if self.counts else 1 + share), share

    def line(self) -> str:
        """One sentence."""
        if self.since:
            what = self.title.lower().removeprefix("last ")
            return f"without another {what}, {_day(self.since)} would {self._effect}"
        if self.counts and self.missing:
            return f"{self._more} {_noun(self.title, self.missing)}{self._when} would {self._effect}"
        bound = _plain(self.threshold)
        threshold = f"{bound} or more" if self.comparator == AT_LEAST else f"below {bound}"
        now = _plain(self.value) if isinstance(self.value, Decimal) else self.value
        return f"{self.measure} {threshold} would {self._effect}; it is {now}"

    @property
    def _effect(self) -> str:
        return f"make it {self.gives}" if self.kind == "level" else f"add {self.gives}"

    @property
    def _when(self) -> str:
        if self.until:
            return f" before {_day(self.until)}"
        return "" if self.missing == 1 else f" within {WITHIN[BY_CODE[self.measure].codes[self.measure]]}"

    @property
    def _more(self) -> str:
        missing = self.missing or Decimal(0)
        amount = NUMERALS.get(int(missing), "") if missing == int(missing) else ""
        money = f" {self.unit} of" if len(self.unit) == len("USD") else ""
        more = "" if self.value == 0 else " more"
        return f"{amount or _plain(missing)}{more}{money}"


def nearest(
    facts: Path, profiles: Path, engine: Engine, patient: str, categories: Categories | None = None
) -> list[Near]:
    """For each level above the patient's and each pathway not given its nearest rule, the nearest first; then those
    that could not be judged. Nothing for a patient without a level."""
    about = read_json(profiles / "profiles.json", "derive")
    profile, measures = _profile(profiles, engine, patient), _measures(profiles, engine, patient)
    if profile is None or profile["level"] is None:
        return []
    policy, zone = Policy.model_validate(about["policy"]), ZoneInfo(str(about["time_zone"]))
    as_of = dt.datetime.fromisoformat(str(about["as_of"]))
    born = _born(facts, engine, patient)
    seen = [
        _seen(name, kind, rule, measures)
        for name, kind, rule in _open(policy, profile)
        if _of_age(rule, born, as_of.astimezone(zone))
    ]
    near = [each for each in seen if each is not None]
    closest = {each.gives: each for each in sorted(near, key=lambda each: each.distance, reverse=True) if each.judged}
    dated = _Dates(facts, engine, patient, as_of, zone, categories)
    ordered = sorted(closest.values(), key=lambda each: (each.kind, each.distance, each.gives))
    return [*filter(None, map(dated.told, ordered)), *(each for each in near if not each.judged)]


def _profile(profiles: Path, engine: Engine, patient: str) -> Row | None:
    table = engine.read_parquet(profiles / "profiles.parquet")
    return next(iter(list(engine.rows(table.filter(table.patient == patient).limit(1)))), None)


def _measures(profiles: Path, engine: Engine, patient: str) -> list[Row]:
    table = engine.read_parquet(profiles / "measures.parquet")
    return list(engine.rows(table.filter(table.patient == patient)))


def _born(facts: Path, engine: Engine, patient: str) -> dt.date | None:
    table = engine.read_parquet(facts / "patients.parquet")
    born: list[dt.date | None] = [row["birth_date"] for row in engine.rows(table.filter(table.patient == patient))]
    return born[0] if born else None


def _of_age(rule: Rule, born: dt.date | None, clock: dt.datetime) -> bool:
    if rule.min_age_years is None:
        return True
    return born is not None and born <= months_before(clock, 12 * rule.min_age_years).date()


def _open(policy: Policy, profile: Row) -> Iterator[tuple[str, str, Rule]]:
    """(level or pathway, which of the two, rule) of what the patient does not have."""
    names = [row.name for row in policy.level]
    higher = names[: names.index(profile["level"])] if profile["level"] in names else names
    fired = {(each["code"], each["measure"], each["threshold"]) for each in profile["rationale"]}
    for row in policy.rows:
        kind = "level" if isinstance(row, LevelRow) else "pathway"
        if row.name in profile["pathways"] or (kind == "level" and row.name not in higher):
            continue
        for rule in row.any:
            if (rule.rationale_code, rule.measure, rule.threshold) not in fired:
                yield row.name, kind, rule


def _seen(name: str, kind: str, rule: Rule, measures: list[Row]) -> Near | None:
    """None where it cannot come near: something that is provided does not hold, or nothing was ever recorded."""
    row = _row(rule, measures)
    if row is not None and row["unknown"] is not None and rule.instead:
        rule = rule.model_copy(update={"measure": rule.instead})
        row = _row(rule, measures)
    if row is None or row["unknown"] in TOO_LITTLE:
        return None
    number: Any = row["date" if rule.comparator == OLDER else rule.of]
    near = Near(
        name, kind, rule.measure, BY_CODE[rule.measure].title, number, rule.comparator, rule.threshold, rule.in_unit,
        counts=_counts(rule, row),
    )  # fmt: skip
    if number is None:
        return replace(near, judged=False) if row["unknown"] else None
    if not all(_holds(condition, measures) for condition in rule.provided):
        return None
    return near if rule.comparator == OLDER else replace(near, missing=rule.threshold - number)


def _row(condition: Condition, measures: list[Row]) -> Row | None:
    """The row in the rule's currency; of a measure of money that has none, the one that says so."""
    mine = [row for row in measures if row["code"] == condition.measure]
    fitting = [row for row in mine if row["unit"] == condition.unit or condition.of != VALUE or not condition.unit]
    return next(iter(fitting or [row for row in mine if row["unknown"] or row["unit"] == "date"]), None)


def _counts(rule: Rule, row: Row) -> bool:
    """It grows by what happens, one by one; a ratio does not."""
    return rule.comparator == AT_LEAST and (rule.of != VALUE or row["numerator"] is None)


def _holds(condition: Condition, measures: list[Row]) -> bool:
    row = _row(condition, measures)
    number: Any = None if row is None else row[condition.of]
    if number is None:
        return False
    return bool(number >= condition.threshold if condition.comparator == AT_LEAST else number < condition.threshold)


class _Dates:
    """Reads the patient's facts once, when the first date is asked for."""

    def __init__(
        self,
        facts: Path,
        engine: Engine,
        patient: str,
        as_of: dt.datetime,
        zone: ZoneInfo,
        categories: Categories | None,
    ) -> None:
        self.facts, self.engine, self.patient, self.zone = facts, engine, patient, zone
        self.as_of, self.categories = as_of, categories
        self._events: Events | None = None

    def told(self, near: Near) -> Near | None:
        if near.comparator == OLDER and isinstance(near.value, dt.date):
            return replace(near, since=self._fires(near.value, int(near.threshold)))
        return replace(near, until=self._falls(near)) if near.counts and near.value else near

    def _fires(self, last: dt.date, months: int) -> dt.date:
        """The first midnight as of which `last` is more than that many months ago."""
        day = self.as_of.astimezone(self.zone).replace(hour=0, minute=0)
        while months_before(day, months).date() <= last:
            day += dt.timedelta(days=1)
        return day.date()

    def _falls(self, near: Near) -> dt.date:
        """The last midnight as of which everything counted today still counts."""
        today = self.as_of.astimezone(self.zone).date()
        count = self._counting(near)
        whole = count(self.as_of)
        low, high = 0, DAYS
        while low < high:
            middle = (low + high + 1) // 2
            later = dt.datetime.combine(today + dt.timedelta(days=middle), dt.time(), self.zone)
            low, high = (middle, high) if count(later) >= whole else (low, middle - 1)
        return today + dt.timedelta(days=low)

    def _counting(self, near: Near) -> Callable[[dt.datetime], Decimal]:
        """The rule's number as of a moment, if nothing more happened."""
        family = BY_CODE[near.measure]

        def count(moment: dt.datetime) -> Decimal:
            later = replace(self.events, as_of=moment, shared={})
            told = family.expression(later, window(family.codes[near.measure], moment, self.zone))
            rows = list(self.engine.rows(told.filter(told.patient == self.patient)))
            fitting = [row for row in rows if row.get("unit") in (None, near.unit)]
            return Decimal(sum(row.get("value") or row.get("numerator") or 0 for row in fitting))

        return count

    @property
    def events(self) -> Events:
        if self._events is None:
            self._events = events(self._own(), self.as_of, self.zone, self.engine, self.categories)
        return self._events

    def _own(self) -> Path:
        """The facts of this patient's records alone; tables about nobody in particular stay whole."""
        own = self.engine.scratch / "own"
        own.mkdir()
        tables = {path.name: self.engine.read_parquet(path) for path in self.facts.glob("*.parquet")}
        who = people(tables["patients.parquet"], tables["links.parquet"], self.engine)
        merged = self.engine.rows(who.merged.filter(who.merged.survivor == self.patient))
        records = [self.patient, *(row["merged"] for row in merged)]
        for name, table in tables.items():
            whose = table.filter(table.patient.isin(records)) if "patient" in table.columns else table
            self.engine.write_parquet(whose, own / name)
        return own


def _noun(title: str, number: Decimal) -> str:
    """`Emergency visits` for one of them: emergency visit."""
    words = title.lower().split()
    plural = next((place for place, word in enumerate(words) if word.endswith("s")), None)
    if number == 1 and plural is not None:
        words[plural] = words[plural].removesuffix("s")
    return " ".join(words)


def _day(day: dt.date | None) -> str:
    return f"{day.day} {day:%B} {day.year}" if day else ""


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
