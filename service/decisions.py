"""A person's words about a patient's newest profile in, a recorded review out; and who waits for one.

What was decided counts from the next plan on. It is of this source alone, and kept in the catalog.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from service.compose.canonical import LEVEL, PATHWAY
from service.compose.edition import Edition, read_edition
from service.compose.rows import ProfileRow, Rationale, heads
from service.errors import WrongUsage
from service.report.explain import patient_key
from service.reviews import Decision, Review, Reviewing, Verdict, grounds, record, recorded
from service.work import Work


@dataclass(frozen=True)
class Asked:
    """What was typed after `review accept|decline|override`; pathways as +CODE or -CODE."""

    by: str
    reason: str
    until: str | None = None
    level: str | None = None
    pathways: Sequence[str] = ()


@dataclass(frozen=True)
class Waiting:
    """A profile that is held, or about which a person has decided; `why` are the rules behind it with their values."""

    patient: str
    level: str | None
    pathways: list[str]
    why: list[str]
    verdict: Verdict

    def line(self) -> str:
        pathways = f": {', '.join(self.pathways)}" if self.pathways else ""
        return f"{self.patient}  {self.level or 'no level'}{pathways}"


def waiting(work: Work) -> Iterator[Waiting]:
    """Those of the newest profiles that wait for a person, and those about whom one has spoken, in patient order."""
    reviewing = _reviewing(work, _edition(work))
    for row in heads(work.profiles):
        verdict = reviewing.verdict(row.patient, row.level, row.pathways, _rules(row))
        if verdict.status != "final" or verdict.review or verdict.over:
            yield Waiting(row.patient, row.level, row.pathways, [_reason(each) for each in row.rationale], verdict)


def decide(work: Work, decision: Decision, patient: str, asked: Asked) -> Review:
    """WrongUsage: no such profile, a date that is past, or words that say nothing."""
    key, edition = patient_key(patient), _edition(work)
    row = next(heads(work.profiles, key), None)
    if row is None:
        raise WrongUsage("this patient has no profile", where=key, do="check the id, or run `personalize derive`")
    if decision == "override" and row.deceased:
        raise WrongUsage("this patient is deceased: there is nothing left to plan", where=key, do="check the id")
    added, dropped = _pathways(asked.pathways, edition)
    review = Review(
        source=work.source.id,
        patient=key,
        decision=decision,
        person=_said(asked.by, "--by"),
        reason=_said(asked.reason, "--reason"),
        decided=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        grounds=grounds(row.level, _rules(row)),
        until=_until(asked.until, edition),
        level=_level(asked.level, edition),
        added=added,
        dropped=dropped,
    )
    if decision == "override" and not (review.level or added or dropped):
        raise WrongUsage("nothing is said instead", where="override", do="give --level L, --pathway +P or --pathway -P")
    record(work.catalog, review)
    return review


def history(work: Work, patient: str) -> list[Review]:
    """Every review of one patient, oldest first."""
    return recorded(work.catalog, work.source.id, patient_key(patient))


def _edition(work: Work) -> Edition:
    now = dt.datetime.now(dt.UTC)
    return read_edition(work.profiles, source_id=work.source.id, installation=work.run.installation, recorded=now)


def _reviewing(work: Work, edition: Edition) -> Reviewing:
    return Reviewing.of(work.catalog, work.source.id, work.source.review, edition.as_of.date())


def _rules(row: ProfileRow) -> list[str]:
    return [fired.code for fired in row.rationale]


def _reason(fired: Rationale) -> str:
    value: Decimal | dt.date | None = fired.value if fired.date is None else fired.date
    amount = f"{value.normalize():f}" if isinstance(value, Decimal) else value or "none is recorded"
    return f"{fired.code}: {fired.measure} {amount}"


def _said(words: str, where: str) -> str:
    if not words.strip():
        raise WrongUsage("it says nothing", where=where, do="say who decided, and why")
    return words.strip()


def _until(day: str | None, edition: Edition) -> str | None:
    if day is None:
        return None
    try:
        parsed = dt.date.fromisoformat(day)
    except ValueError as error:
        raise WrongUsage(f"--until {day!r} is no date", do="write it as 2027-01-31") from error
    if parsed < edition.as_of.date():
        raise WrongUsage(
            f"--until {day} is before the profiles' own day, {edition.as_of.date()}", do="name a later day, or none"
        )
    return day


def _level(code: str | None, edition: Edition) -> str | None:
    if code is not None and code not in edition.displays[LEVEL]:
        raise WrongUsage(f"--level {code!r} is no level", do=f"choose one of {', '.join(edition.displays[LEVEL])}")
    return code


def _pathways(words: Sequence[str], edition: Edition) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those added and those dropped."""
    for word in words:
        if word[:1] not in "+-" or word[1:] not in edition.displays[PATHWAY]:
            known = ", ".join(edition.displays[PATHWAY])
            raise WrongUsage(f"--pathway {word!r} is neither +CODE nor -CODE", do=f"choose from {known}")
    return tuple(word[1:] for word in words if word[0] == "+"), tuple(word[1:] for word in words if word[0] == "-")
