"""A person's visits in, what is billed for them out, before any of it is written as FHIR; amounts are cents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from service.sandbox.population.codes import SANDBOX, Element, concept
from service.sandbox.population.draw import Weighted, lognormal
from service.sandbox.population.encounters import recorded
from service.sandbox.population.people import Person
from service.sandbox.population.visits import Visit

_HOW_MANY = Weighted({1: 0.62, 2: 0.27, 3: 0.11})
_STATUSES = Weighted({"active": 0.945, "cancelled": 0.03, "draft": 0.015, "entered-in-error": 0.01})
_USES = Weighted({"claim": 0.955, "preauthorization": 0.035, "predetermination": 0.01})
# What the amounts are written as: a total, the items' nets alone, or no more than quantity and price.
_AMOUNTS = Weighted({"total": 0.8, "nets": 0.12, "prices": 0.05, "factors": 0.01, "none": 0.02})
_DATES = Weighted({"period": 0.9, "day": 0.04, "month": 0.01, "serviced": 0.03, "created": 0.02})
_LINES = Weighted({1: 0.5, 2: 0.3, 3: 0.15, 5: 0.05})
_QUANTITIES = Weighted({1: 0.75, 2: 0.15, 3: 0.1})
# Cents of a median item, and how heavy the tail is.
_PRICES = {"EMER": (65_000, 0.9), "IMP": (480_000, 1.1), "ACUTE": (560_000, 1.1), "OBSENC": (180_000, 0.8)}
_OFFICE_PRICE = (9_500, 0.85)
_DEAREST = 90_000_000

_SERVICES = [concept(f"{SANDBOX}/service", f"S{n:03}") for n in range(1, 41)]
_NIGHT = timedelta(hours=3)  # nothing was billed later than this before the population's day ended
_UNBILLED = ("planned", "cancelled", "in-progress")


@dataclass(slots=True)
class Bill:
    """One Claim before it is written; amounts are cents."""

    id: str
    visit: Visit
    created: datetime
    patient: str
    kind: str
    status: str
    use: str
    amounts: str
    dates: str
    names_visit: bool
    lines: list[tuple[int, int, Element]]  # (quantity, unit price, service)
    prior: str = ""

    @property
    def total(self) -> int:
        return sum(quantity * price for quantity, price, _ in self.lines)

    @property
    def paid(self) -> bool:
        """Whether the payer decides about it: not about drafts, nor about what is only asked."""
        return self.status == "active" and self.use == "claim"


def bills_of(rng: Random, person: Person, visits: list[Visit], as_of: datetime) -> Iterator[Bill]:
    """In the order of the visits; a claim that was sent again follows the first, and refers to it."""
    number = 0
    for visit in visits:
        for _ in range(0 if visit.status in _UNBILLED else _HOW_MANY.pick(rng)):
            number += 1
            bill = _bill(rng, person, visit, number, as_of)
            yield bill
            if rng.random() < 0.02:
                number += 1
                yield _sent_again(rng, person, bill, number, as_of)


def _bill(rng: Random, person: Person, visit: Visit, number: int, as_of: datetime) -> Bill:
    kind = "pharmacy" if rng.random() < 0.06 else "institutional" if visit.kind in _PRICES else "professional"
    return Bill(
        id=f"{person.number:06}-{number:04}",
        visit=visit,
        created=min((visit.end or visit.start) + timedelta(days=1 + int(14 * rng.random())), as_of - _NIGHT),
        patient=visit.subject,
        kind=kind,
        status=_STATUSES.pick(rng),
        use=_USES.pick(rng),
        amounts=_AMOUNTS.pick(rng),
        dates=_DATES.pick(rng),
        names_visit=kind != "pharmacy" and rng.random() < 0.97,
        lines=[_line(rng, visit) for _ in range(_LINES.pick(rng))],
    )


def _line(rng: Random, visit: Visit) -> tuple[int, int, Element]:
    median, spread = _PRICES.get(visit.kind, _OFFICE_PRICE)
    price = int(lognormal(rng, median, spread, 100, _DEAREST))
    return _QUANTITIES.pick(rng), price, _SERVICES[int(rng.random() * len(_SERVICES))]


def _sent_again(rng: Random, person: Person, first: Bill, number: int, as_of: datetime) -> Bill:
    """The same service billed once more, corrected; only the latest counts."""
    again = _bill(rng, person, first.visit, number, as_of)
    again.prior, again.status, again.use = first.id, "active", first.use
    again.created = min(first.created + timedelta(days=20), as_of - _NIGHT)
    again.lines = [(quantity, price - price // 10, service) for quantity, price, service in first.lines]
    return again


def billable_period(bill: Bill) -> Element:
    visit = bill.visit
    start = recorded(visit.start, visit)
    if bill.dates == "day":
        return {"start": start[:10]}
    if bill.dates == "month" or visit.precision:
        return {"start": start[: visit.precision or 7]}
    return {"start": start, "end": recorded(visit.end or visit.start, visit)}


def money(cents: int, bill: Bill) -> Element:
    """Two decimals, as bills write them: 100.10."""
    return {"value": Decimal(cents).scaleb(-2), "currency": bill.visit.organization.currency}
