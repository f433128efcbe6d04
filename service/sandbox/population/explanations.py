"""A bill in, the payer's ExplanationOfBenefit out: what was submitted, and what remains for the patient."""

from __future__ import annotations

from random import Random

from service.sandbox.population import codes
from service.sandbox.population.bills import Bill, billable_period, money
from service.sandbox.population.codes import Element
from service.sandbox.population.directory import PAYER
from service.sandbox.population.draw import Weighted, meta

Shares = dict[str, int]

# Where the amounts stand: at the items, in the header, or in the header as one sum that the member owes.
_PLACES = Weighted({"items": 0.6, "header": 0.3, "liability": 0.1})
_LARGEST_COPAY, _LARGEST_DEDUCTIBLE = 4_000, 30_000
_DENIED_SHARE = 0.03


def explanation(rng: Random, bill: Bill) -> Element:
    place, denied = _PLACES.pick(rng), rng.random() < _DENIED_SHARE
    shares = [_shares(quantity * price, denied) for quantity, price, _ in bill.lines]
    resource: Element = {
        "resourceType": "ExplanationOfBenefit",
        "id": f"eob-{bill.id}",
        "meta": meta(min(bill.created, bill.visit.updated)),
        "status": "active",
        "type": codes.CLAIM_TYPES[bill.kind],
        "use": "claim",
        "patient": {"reference": bill.patient},
        "billablePeriod": billable_period(bill),
        "created": bill.created.date().isoformat(),
        "insurer": {"reference": PAYER},
        "provider": {"reference": bill.visit.organization.reference},
        "claim": {"reference": f"Claim/clm-{bill.id}"},
        "outcome": "complete",
        "insurance": [{"focal": True, "coverage": {"display": "Sandbox Insurance"}}],
        "item": [_item(bill, at, share if place == "items" else {}, denied) for at, share in enumerate(shares)],
    }
    totals = _totals(shares, place)
    resource["total"] = [{"category": codes.ADJUDICATIONS[c], "amount": money(n, bill)} for c, n in totals.items()]
    return resource


def _shares(charge: int, denied: bool) -> Shares:
    """Copay first, then the deductible, then a fifth of the rest; a denied item is not paid at all."""
    if denied:
        return {"submitted": charge, "benefit": 0}
    copay = min(charge, _LARGEST_COPAY)
    deductible = min(charge - copay, _LARGEST_DEDUCTIBLE)
    coinsurance = (charge - copay - deductible) // 5
    benefit = charge - copay - deductible - coinsurance
    parts = {"copay": copay, "deductible": deductible, "coinsurance": coinsurance, "benefit": benefit}
    return {"submitted": charge} | parts


def _item(bill: Bill, at: int, shares: Shares, denied: bool) -> Element:
    quantity, price, service = bill.lines[at]
    item: Element = {
        "sequence": at + 1,
        "productOrService": service,
        "quantity": {"value": quantity},
        "net": money(quantity * price, bill),
    }
    adjudications: list[Element] = [
        {"category": codes.ADJUDICATIONS[category], "amount": money(cents, bill)} for category, cents in shares.items()
    ]
    if denied:
        adjudications.append({"category": codes.ADJUDICATIONS["denialreason"], "reason": codes.DENIED})
    if adjudications:
        item["adjudication"] = adjudications
    if bill.names_visit:
        item["encounter"] = [{"reference": f"Encounter/{bill.visit.id}"}]
    return item


def _totals(shares: list[Shares], place: str) -> Shares:
    """The header: everything summed, or what was submitted and what the member owes of it."""
    summed: Shares = {}
    for share in shares:
        for category, cents in share.items():
            summed[category] = summed.get(category, 0) + cents
    if place == "header":
        return summed
    owed = sum(summed.get(category, 0) for category in ("copay", "deductible", "coinsurance"))
    return {"submitted": summed["submitted"]} | ({"memberliability": owed} if place == "liability" else {})
