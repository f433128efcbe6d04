"""A person's decisions about profiles in, what they mean for a profile today out; all of them stay in the catalog.

A decision holds until its date, or until its grounds change: the level and the rules behind it that the person saw.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import sqlalchemy as sa

from service.catalog import Catalog
from service.settings import ReviewRule
from service.tables import reviews

Decision = Literal["accept", "decline", "override"]
Status = Literal["final", "preliminary", "withdrawn"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)
PAST = {"accept": "accepted", "decline": "declined", "override": "overridden"}
HELD = "intensive"

_PRACTITIONER = re.compile(r"^Practitioner(Role)?/[A-Za-z0-9.-]+$")


@dataclass(frozen=True)
class Review:
    """What a person decided about one patient; `until` is the last day on which it holds, `grounds` what they saw."""

    source: str
    patient: str
    decision: Decision
    person: str
    reason: str
    decided: str
    grounds: str
    until: str | None = None
    level: str | None = None
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    id: int = 0

    def who(self) -> dict[str, str]:
        """The person as a FHIR Reference: to the Practitioner where one is named, else by name."""
        return {"reference" if _PRACTITIONER.match(self.person) else "display": self.person}

    def over(self, grounds: str, on: dt.date) -> str | None:
        """Why it no longer holds; None while it does."""
        if self.until and on > dt.date.fromisoformat(self.until):
            return f"it ended on {self.until}"
        if grounds != self.grounds:
            return f"its grounds changed from {self.grounds} to {grounds}"
        return None

    def told(self) -> str:
        """One line for a person."""
        until = f" until {self.until}" if self.until else ""
        return f"{PAST[self.decision]} by {self.person} on {self.decided[:10]}{until}{self._instead()}: {self.reason}"

    def _instead(self) -> str:
        parts = [f"level {self.level}"] if self.level else []
        parts += [f"+{code}" for code in self.added] + [f"-{code}" for code in self.dropped]
        return f" ({', '.join(parts)})" if parts else ""


@dataclass(frozen=True)
class Verdict:
    """Whether a profile counts, and the review that says so; `over` tells of one that no longer holds."""

    status: Status = "final"
    review: Review | None = None
    over: str | None = None

    def lines(self) -> Iterator[str]:
        if self.review:
            yield self.review.told()
        if self.over:
            yield self.over
        if self.status == "preliminary":
            yield "held until a person accepts it: `personalize review accept`"


AS_DERIVED = Verdict()


def grounds(level: str | None, rules: Iterable[str]) -> str:
    """What a decision rests on: not the numbers, which move nightly, but which level they gave by which rules."""
    return f"{level or 'no level'} ({', '.join(sorted(set(rules))) or 'no rule'})"


@dataclass(frozen=True)
class Reviewing:
    """The rule of a source, the newest review of each of its patients, and the day it is asked for."""

    rule: ReviewRule
    newest: dict[str, Review]
    on: dt.date

    @classmethod
    def of(cls, catalog: Catalog, source: str, rule: ReviewRule, on: dt.date) -> Reviewing:
        return cls(rule, {each.patient: each for each in recorded(catalog, source)}, on)

    @property
    def idle(self) -> bool:
        """Nobody has to look, and nobody has."""
        return self.rule == "none" and not self.newest

    def verdict(self, patient: str, level: str | None, pathways: list[str], rules: Iterable[str]) -> Verdict:
        review = self.newest.get(patient)
        ended = review.over(grounds(level, rules), self.on) if review else None
        if review and not ended:
            return Verdict("withdrawn" if review.decision == "decline" else "final", review)
        over = f"no longer {PAST[review.decision]} (by {review.person}): {ended}" if review else None
        return Verdict("preliminary" if self._held(level, pathways) else "final", over=over)

    def _held(self, level: str | None, pathways: list[str]) -> bool:
        """Where there is neither a level nor a pathway there is nothing to decide."""
        if self.rule == "all":
            return level is not None or bool(pathways)
        return self.rule == "intensive" and level == HELD


def record(catalog: Catalog, review: Review) -> None:
    """It takes the place of an earlier one about the same patient, which stays on record."""
    values = {name: value for name, value in vars(review).items() if name != "id"}
    with catalog.engine.begin() as tx:
        tx.execute(reviews.insert().values(values | {"added": list(review.added), "dropped": list(review.dropped)}))


def recorded(catalog: Catalog, source: str, patient: str | None = None) -> list[Review]:
    """All reviews of a source, or of one of its patients, oldest first."""
    chosen = sa.select(reviews).where(reviews.c.source == source).order_by(reviews.c.id)
    if patient is not None:
        chosen = chosen.where(reviews.c.patient == patient)
    with catalog.engine.connect() as tx:
        rows = tx.execute(chosen).mappings().all()
    return [Review(**{**row, "added": tuple(row["added"]), "dropped": tuple(row["dropped"])}) for row in rows]
