"""A bill in, its Claim out."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from service.sandbox.population import codes
from service.sandbox.population.bills import Bill, billable_period, money
from service.sandbox.population.codes import ICD10, Element, concept
from service.sandbox.population.directory import PAYER
from service.sandbox.population.draw import meta
from service.sandbox.population.encounters import recorded
from service.sandbox.population.visits import Visit

_CONDITIONS = "I10 E11.9 J45.909 M54.5 I50.9 J44.9 N18.3 F32.9 K21.9 E78.5 R07.9 Z79.4"
_DIAGNOSES = [concept(ICD10, code) for code in _CONDITIONS.split()]
_PREVENTIVE_DIAGNOSES = {"adult": concept(ICD10, "Z00.00"), "child": concept(ICD10, "Z00.129")}


def claim(rng: Random, bill: Bill) -> Element:
    visit = bill.visit
    resource: Element = {
        "resourceType": "Claim",
        "id": f"clm-{bill.id}",
        "meta": meta(min(bill.created, visit.updated), _security(rng)),
        "status": bill.status,
        "type": codes.CLAIM_TYPES[bill.kind],
        "use": bill.use,
        "patient": {"reference": bill.patient},
        "created": bill.created.date().isoformat(),
        "insurer": {"reference": PAYER},
        "provider": {"reference": visit.organization.reference},
        "priority": codes.NORMAL_PRIORITY,
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"display": "Sandbox Insurance"}}],
        "diagnosis": [{"sequence": 1, "diagnosisCodeableConcept": _diagnosis(rng, visit)}],
        "item": [_item(bill, sequence) for sequence in range(1, len(bill.lines) + 1)],
    }
    if bill.dates in ("period", "day", "month"):
        resource["billablePeriod"] = billable_period(bill)
    if bill.prior:
        claim = {"reference": f"Claim/clm-{bill.prior}"}
        resource["related"] = [{"claim": claim, "relationship": codes.PRIOR_CLAIM}]
    if bill.amounts == "total":
        resource["total"] = money(bill.total, bill)
    return resource


def _security(rng: Random) -> list[Element] | None:
    return codes.RESTRICTED if rng.random() < 0.002 else None


def _diagnosis(rng: Random, visit: Visit) -> Element:
    if visit.preventive:
        return _PREVENTIVE_DIAGNOSES[visit.preventive]
    return _DIAGNOSES[int(rng.random() * len(_DIAGNOSES))]


def _item(bill: Bill, sequence: int) -> Element:
    quantity, price, service = bill.lines[sequence - 1]
    item: Element = {"sequence": sequence, "productOrService": service}
    if bill.dates == "serviced":
        item["servicedDate"] = recorded(bill.visit.start, bill.visit)[:10]
    if bill.amounts != "none":
        item |= {"quantity": {"value": quantity}, "unitPrice": money(price, bill)}
    if bill.amounts == "factors":
        item["factor"] = Decimal("0.90")
    if bill.amounts in ("total", "nets"):
        item["net"] = money(quantity * price, bill)
    if bill.names_visit:
        item["encounter"] = [{"reference": f"Encounter/{bill.visit.id}"}]
    return item
