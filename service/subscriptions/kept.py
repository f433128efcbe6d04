"""Subscriptions as the catalog keeps them: whose, until when, by which secret's digest, and the last event's number."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, fields, replace
from typing import Literal

import sqlalchemy as sa

from service.schema.clock import clock
from service.subscriptions.forms import Form
from service.tables import subscriptions

State = Literal["requested", "active", "off", "error"]


@dataclass(frozen=True)
class Subscription:
    """`id` is ours, and the last part of its endpoint; `theirs` its reference there, None until the server answered."""

    id: str
    source: str
    base: str
    form: Form
    criteria: str
    theirs: str | None
    digest: str
    state: str
    ends: float
    events: int = 0
    called: float | None = None

    def proves(self, secret: str) -> bool:
        """In a time that tells nothing of how much of it is right."""
        return hmac.compare_digest(digest_of(secret), self.digest)


def digest_of(secret: str) -> str:
    """Who reads the catalog cannot call in the server's name: the secrets are long and drawn at random."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True)
class Kept:
    engine: sa.Engine

    def of(self, source: str, base: str) -> list[Subscription]:
        where = sa.and_(subscriptions.c.source == source, subscriptions.c.base == base)
        with self.engine.connect() as look:
            rows = look.execute(sa.select(subscriptions).where(where).order_by(subscriptions.c.criteria))
            return [Subscription(**row) for row in rows.mappings()]

    def ends_in(self) -> dict[str, float]:
        """By source the seconds until its first ends; none where its server has given one up."""
        given_up = subscriptions.c.state.in_(["off", "error"])
        left = sa.func.min(sa.case((given_up, 0.0), else_=subscriptions.c.ends - clock()))
        with self.engine.connect() as look:
            rows = look.execute(sa.select(subscriptions.c.source, left).group_by(subscriptions.c.source))
            return {source: float(least) for source, least in rows}

    def fallen_silent(self, seconds: float) -> list[str]:
        """Sources of which one that promised heartbeats has not called for so long; told once in that time."""
        silent = sa.and_(subscriptions.c.form != "criteria", subscriptions.c.called < clock() - seconds)
        with self.engine.connect() as look:
            sources = list(look.execute(sa.select(subscriptions.c.source).distinct().where(silent)).scalars())
        if sources:
            with self.engine.begin() as tx:
                tx.execute(subscriptions.update().where(silent).values(called=clock()))
        return sources

    def one(self, id: str) -> Subscription | None:
        with self.engine.connect() as look:
            row = look.execute(sa.select(subscriptions).where(subscriptions.c.id == id)).mappings().first()
        return Subscription(**row) if row else None

    def keep(self, each: Subscription) -> Subscription:
        """Before it is sent, and again with what the server made of it."""
        row = {field.name: getattr(each, field.name) for field in fields(each)}
        with self.engine.begin() as tx:
            tx.execute(subscriptions.delete().where(subscriptions.c.id == each.id))
            tx.execute(subscriptions.insert().values(**row))
        return each

    def drop(self, id: str) -> None:
        with self.engine.begin() as tx:
            tx.execute(subscriptions.delete().where(subscriptions.c.id == id))

    def heard(self, each: Subscription, state: str, events: int) -> Subscription:
        """That it called, and which event was its last; an older one that comes late takes nothing back."""
        later = sa.case((subscriptions.c.events < events, events), else_=subscriptions.c.events)
        with self.engine.begin() as tx:
            tx.execute(
                subscriptions.update()
                .where(subscriptions.c.id == each.id)
                .values(state=state, events=later, called=clock())
            )
        return replace(each, state=state, events=max(each.events, events))
