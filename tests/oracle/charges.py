"""In: one person's Claim resources. Out: the bills that are in force, dated, in amounts by currency."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from .instants import instant
from .references import Json, codings, groups, labelled_sensitive, name, target


@dataclass(frozen=True)
class Bill:
    """A claim: when it counts, what it charges, which claims it replaces."""

    id: str
    active: bool
    cancelled: bool
    sensitive: bool
    when: datetime | None
    created: datetime | None
    amounts: dict[str, Decimal]
    replaces: frozenset[str]


def bills(claims: Iterable[Json], sensitive_visits: Collection[str], zone: ZoneInfo) -> list[Bill]:
    """The claims as bills; preauthorisations, predeterminations and errors are none."""
    real = (claim for claim in claims if claim.get("use") == "claim" and claim["status"] != "entered-in-error")
    return [bill(claim, sensitive_visits, zone) for claim in real]


def bill(claim: Json, sensitive_visits: Collection[str], zone: ZoneInfo) -> Bill:
    """One claim as a bill."""
    created = claim.get("created")
    return Bill(
        id=name(claim),
        active=claim["status"] == "active",
        cancelled=claim["status"] == "cancelled",
        sensitive=labelled_sensitive(claim) or not visits_of(claim).isdisjoint(sensitive_visits),
        when=dated(claim, zone),
        created=instant(created, zone) if created else None,
        amounts=amounts(claim),
        replaces=frozenset(filter(None, prior(claim))),
    )


def in_force(all_bills: Collection[Bill], before: datetime, death: datetime | None) -> list[Bill]:
    """The bills that count: dated before the end and not after death, of a claim and its resubmissions only the latest.

    A sensitive one hides all of its family: it is one event, billed again without the label.
    """
    newest = [latest(family) for family in open_families(all_bills, before, death)]
    return [chosen for chosen in newest if chosen]


def called_off(all_bills: Collection[Bill], before: datetime, death: datetime | None) -> list[Bill]:
    """The cancelled bills that no active one stands for; of several that replace one another the latest."""
    gone = [family for family in open_families(all_bills, before, death) if not latest(family)]
    cancelled = [[each for each in family if each.cancelled] for family in gone]
    return [max(family, key=age) for family in cancelled if family]


def open_families(all_bills: Collection[Bill], before: datetime, death: datetime | None) -> list[list[Bill]]:
    """Those of which no bill is sensitive."""
    found = families(all_bills, before, death)
    return [family for family in found if not any(each.sensitive for each in family)]


def families(all_bills: Collection[Bill], before: datetime, death: datetime | None) -> list[list[Bill]]:
    """The bills dated before the end and not after death, each with those that it replaces or is replaced by."""
    dated_before = [each for each in all_bills if each.when and each.when < before]
    known = {each.id: each for each in dated_before if not (death and each.when and each.when > death)}
    pairs = [(each.id, old) for each in known.values() for old in each.replaces if old in known]
    return [[known[one] for one in family] for family in groups(known, pairs)]


def age(each: Bill) -> tuple[float, str]:
    """What puts bills in the order they were made."""
    return (each.created.timestamp() if each.created else float("-inf"), each.id)


def latest(family: Collection[Bill]) -> Bill | None:
    """Of the active ones that no other active one replaces, directly or over others, the one created last."""
    active = [each for each in family if each.active]
    by_id = {each.id: each for each in family}
    replaced = {old for each in active for old in replaced_by(each, by_id)}
    return max(
        [each for each in active if each.id not in replaced] or active,
        key=age,
        default=None,
    )


def replaced_by(newest: Bill, by_id: dict[str, Bill]) -> set[str]:
    """All that a bill replaces, directly or over others."""
    found: set[str] = set()
    waiting = set(newest.replaces)
    while waiting:
        old = waiting.pop()
        if old in by_id and old not in found:
            found.add(old)
            waiting |= by_id[old].replaces
    return found


def charged(counted: Collection[Bill], start: datetime, end: datetime) -> dict[str, Decimal] | None:
    """What the bills dated in [start, end) charge, by currency; currencies are never added.

    Unknown where there are bills, but none states an amount.
    """
    inside = [each for each in counted if each.when and start <= each.when < end]
    if inside and not any(each.amounts for each in inside):
        return None
    return summed(money for each in inside for money in each.amounts.items())


def summed(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """Amounts of one currency in one sum."""
    total: dict[str, Decimal] = {}
    for currency, amount in amounts:
        total[currency] = total.get(currency, Decimal(0)) + amount
    return total


def dated(claim: Json, zone: ZoneInfo) -> datetime | None:
    """billablePeriod.start, else the earliest item.serviced, else created."""
    start = claim.get("billablePeriod", {}).get("start")
    if start:
        return instant(start, zone)
    serviced = [instant(text, zone) for item in claim.get("item", []) if (text := served(item))]
    created = claim.get("created")
    return min(serviced, default=None) or (instant(created, zone) if created else None)


def served(item: Json) -> str | None:
    """When an item was rendered, be it a date or a Period."""
    when: str | None = item.get("servicedDate") or item.get("servicedPeriod", {}).get("start")
    return when


def amounts(claim: Json) -> dict[str, Decimal]:
    """Claim.total, else the sum of its items, by currency. An amount that names no currency is not counted."""
    total = claim.get("total", {})
    if "value" in total:
        return {total["currency"]: Decimal(total["value"])} if "currency" in total else {}
    return summed(filter(None, map(item_amount, claim.get("item", []))))


def item_amount(item: Json) -> tuple[str, Decimal] | None:
    """An item's net, else quantity x unitPrice x factor; an absent quantity or factor is 1."""
    net, price = item.get("net", {}), item.get("unitPrice", {})
    if "value" in net and "currency" in net:
        return net["currency"], Decimal(net["value"])
    if "value" in price and "currency" in price:
        times = Decimal(item.get("quantity", {}).get("value", 1)) * Decimal(item.get("factor", 1))
        return price["currency"], Decimal(price["value"]) * times
    return None


def prior(claim: Json) -> Iterator[str | None]:
    """The claims that this one resubmits."""
    for related in claim.get("related", []):
        if any(code == "prior" for _, code in codings([related.get("relationship", {})])):
            yield target(related.get("claim"))


def visits_of(claim: Json) -> set[str | None]:
    """The Encounters that a claim's items refer to."""
    return {target(reference) for item in claim.get("item", []) for reference in item.get("encounter", [])}
