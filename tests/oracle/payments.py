"""In: ExplanationOfBenefit resources. Out: what each says was allowed, paid and owed, each amount once, by currency."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from .charges import Bill, summed, visits_of
from .instants import instant
from .references import Json, codings, labelled_sensitive, name, target

BLUE_BUTTON = "https://bluebutton.cms.gov/resources/variables/"
# For each kind of amount the ways to state it, the best first; a way is the sum of its parts, a part has several codes.
WAYS: dict[str, list[list[set[str]]]] = {
    "patient-liability": [
        [{"memberliability"}],
        [
            {"copay"},
            {"deductible", f"{BLUE_BUTTON}line_bene_ptb_ddctbl_amt"},
            {"coinsurance", f"{BLUE_BUTTON}line_coinsrnc_amt"},
        ],
    ],
    "insurer-paid": [
        [{"benefit", f"{BLUE_BUTTON}line_prvdr_pmt_amt"}],
        [{"paidtoprovider"}, {"paidtopatient"}],
    ],
    "allowed-amount": [[{"eligible", f"{BLUE_BUTTON}line_alowd_chrg_amt"}]],
    "patient-paid": [[{"paidbypatient"}]],
}
DENIAL = "denialreason"
Amounts = dict[str, Decimal]


@dataclass(frozen=True)
class Explanation:
    """What became of a claim: amounts by kind (a kind that it does not tell is absent), and whether it was denied."""

    id: str
    claim: str | None
    created: datetime
    amounts: dict[str, Amounts]
    denied: bool


def explanations(eobs: Iterable[Json], sensitive: Collection[str], zone: ZoneInfo) -> dict[str | None, Explanation]:
    """The latest explanation in force of each claim. Left to other tests: reversals, and explanations of no claim."""
    found: dict[str | None, Explanation] = {}
    told = [explanation(each, zone) for each in eobs if counts(each, sensitive)]
    for each in sorted(told, key=lambda each: (each.created, each.id)):
        found[each.claim] = each
    return found


def counts(eob: Json, sensitive: Collection[str]) -> bool:
    """Active, about a claim, adjudicated, and neither labelled nor about a visit that is."""
    final = eob["status"] == "active" and eob["use"] == "claim" and eob["outcome"] in {"complete", "partial"}
    return final and not labelled_sensitive(eob) and visits_of(eob).isdisjoint(sensitive)


def explanation(eob: Json, zone: ZoneInfo) -> Explanation:
    """One ExplanationOfBenefit."""
    stated = {kind: told(eob, ways) for kind, ways in WAYS.items()}
    if "patientPaid" in eob and stated["patient-paid"] is None:
        stated["patient-paid"] = summed(filter(None, [money({"amount": eob["patientPaid"]})]))
    return Explanation(
        id=name(eob),
        claim=target(eob.get("claim")),
        created=instant(eob["created"], zone),
        amounts={kind: amounts for kind, amounts in stated.items() if amounts is not None},
        denied=any(DENIAL in codes(each) for each in everything(eob)),
    )


def told(eob: Json, ways: list[list[set[str]]]) -> Amounts | None:
    """The amounts of the first way that the explanation takes; None when it takes none."""
    for way in ways:
        parts = [stated for part in way if (stated := placed(eob, part)) is not None]
        if parts:
            return summed(money for part in parts for money in part.items())
    return None


def placed(eob: Json, part: set[str]) -> Amounts | None:
    """The amounts of one category: of the header where it is there, else of the items."""
    items = [each for item in eob.get("item", []) for each in item.get("adjudication", [])]
    for place in (eob.get("total", []), eob.get("adjudication", []), items):
        found = [money(each) for each in place if not part.isdisjoint(codes(each))]
        if any(found):
            return summed(filter(None, found))
    return None


def money(adjudication: Json) -> tuple[str, Decimal] | None:
    """An adjudication's amount, to six decimal places as all money is kept; none without a currency."""
    amount = adjudication.get("amount", {})
    if "value" not in amount or "currency" not in amount:
        return None
    return amount["currency"], round(Decimal(amount["value"]), 6)


def everything(eob: Json) -> Iterator[Json]:
    """All adjudications, of the header and of the items."""
    yield from [*eob.get("total", []), *eob.get("adjudication", [])]
    for item in eob.get("item", []):
        yield from item.get("adjudication", [])


def codes(adjudication: Json) -> set[str | None]:
    """The codes of its category, whatever their system."""
    return {code for _, code in codings([adjudication["category"]])}


def known(kind: str, bills: Collection[Bill], about: dict[str | None, Explanation]) -> Amounts | None:
    """The sum over the claims of which it is known; unknown where there are claims, but it is known of none."""
    told_of = [about[each.id].amounts[kind] for each in bills if each.id in about and kind in about[each.id].amounts]
    if bills and not told_of:
        return None
    return summed(money for amounts in told_of for money in amounts.items())


def refused(
    counted: Collection[Bill], cancelled: Collection[Bill], about: dict[str | None, Explanation]
) -> tuple[int | None, int | None]:
    """Cancelled or denied claims, and of how many; unknown where no answer tells of any."""
    answered = [about[each.id] for each in counted if each.id in about]
    if not cancelled and not answered:
        return None, None
    return len(cancelled) + sum(each.denied for each in answered), len(cancelled) + len(counted)
