"""In: a few words. Out: ExplanationOfBenefit and ClaimResponse as payers write them."""

from decimal import Decimal

from oracle.histories import claim, usd

HL7 = "http://terminology.hl7.org/CodeSystem/adjudication"
CARIN = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication"
BLUE_BUTTON = "https://bluebutton.cms.gov/resources/codesystem/adjudication"
VARIABLES = "https://bluebutton.cms.gov/resources/variables"
SYSTEMS = {
    "coinsurance": CARIN, "memberliability": CARIN, "paidtoprovider": CARIN, "paidtopatient": CARIN,
    "paidbypatient": CARIN, "paidbypatientcash": CARIN, "paidbypatientother": CARIN, "noncovered": CARIN,
}  # fmt: skip
DENIED = {
    "category": {
        "coding": [
            {
                "system": "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudicationDiscriminator",
                "code": "denialreason",
            }
        ]
    },
    "reason": {"coding": [{"code": "ar002"}]},
}


def said(code, value, currency="USD", system=None):
    """One adjudication."""
    coding = {"system": system or SYSTEMS.get(code, HL7), "code": code}
    money = {"amount": usd(value, currency)} if value is not None else {}
    return {"category": {"coding": [coding]}, **money}


def explanation(key, about=None, *, who="p", day="2026-03-01", total=(), header=(), items=(), **more):
    """`about`: a Claim's id. `items`: for each item its adjudications."""
    content = {"status": "active", "use": "claim", "outcome": "complete", "created": day}
    content |= {"patient": {"reference": f"Patient/{who}"}, "billablePeriod": {"start": day}}
    content |= {"claim": {"reference": f"Claim/{about}"}} if about else {}
    content |= {"total": [*total]} if total else {}
    content |= {"adjudication": [*header]} if header else {}
    content |= {"item": [{"sequence": n, "adjudication": [*each]} for n, each in enumerate(items, 1)]} if items else {}
    return {"resourceType": "ExplanationOfBenefit", "id": key, **content, **more}


def response(key, about, **more):
    """The same as a ClaimResponse."""
    told = explanation(key, about, **more)
    told["request"] = told.pop("claim")
    del told["billablePeriod"]
    return told | {"resourceType": "ClaimResponse"}


def billed(key, who, total="100", *, day="2026-03-01", **more):
    return claim(key, day, total, patient={"reference": f"Patient/{who}"}, **more)


def money(**amounts):
    return {currency: Decimal(amount) for currency, amount in amounts.items()}


def on(who, *explanations, total="100", **more):
    """One claim and what is said of it."""
    return [billed(f"{who}-c", who, total, **more), *explanations]


def of(who, key="e", about="c", **more):
    return explanation(f"{who}-{key}", f"{who}-{about}", who=who, **more)
