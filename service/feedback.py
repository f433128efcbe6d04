"""What became of cards that were shown in, kept in the catalog and counted out; nothing in it names a patient."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from service.catalog import Catalog
from service.tables import feedback


@dataclass(frozen=True)
class Feedback:
    """Of one card, as an EHR told it; `reason` is the code of its override reason."""

    client: str
    service: str
    card: str
    outcome: str
    at: str
    reason: str | None = None


@dataclass(frozen=True)
class Counted:
    service: str
    outcome: str
    reason: str | None
    cards: int


def record(catalog: Catalog, told: Iterable[Feedback]) -> None:
    """The newest word about a card counts, however often it is told."""
    with catalog.engine.begin() as tx:
        for each in told:
            tx.execute(
                feedback.delete().where(
                    feedback.c.client == each.client,
                    feedback.c.service == each.service,
                    feedback.c.card == each.card,
                )
            )
            tx.execute(feedback.insert().values(vars(each)))


def counted(catalog: Catalog) -> list[Counted]:
    of = (feedback.c.service, feedback.c.outcome, feedback.c.reason)
    with catalog.engine.connect() as tx:
        return [Counted(*row) for row in tx.execute(sa.select(*of, sa.func.count()).group_by(*of).order_by(*of))]


def lines(found: Iterable[Counted]) -> Iterator[str]:
    nothing = True
    for each in found:
        nothing = False
        yield f"{each.cards:>8,d}  {each.service}  {each.outcome}{f': {each.reason}' if each.reason else ''}"
    if nothing:
        yield "no feedback yet"
