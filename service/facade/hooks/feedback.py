"""The body of a feedback call in, what it says of each card out. https://cds-hooks.hl7.org/2.0/#feedback

A person's own words in it are left out: they may name a patient.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from service.facade.outcome import malformed
from service.feedback import Feedback

OUTCOMES = ("accepted", "overridden")


def told(body: dict[str, Any], client: str, service: str) -> list[Feedback]:
    """All of them, or 400."""
    each = body.get("feedback")
    if not isinstance(each, list) or not each or len(each) > 1_000:
        raise malformed("feedback is a list of 1 to 1000")
    return [_one(one, client, service) for one in each]


def _one(said: Any, client: str, service: str) -> Feedback:
    if not isinstance(said, dict) or said.get("outcome") not in OUTCOMES:
        raise malformed(f"outcome is {' or '.join(OUTCOMES)}")
    accepted = said.get("acceptedSuggestions")
    if said["outcome"] == "accepted" and not _suggestions(accepted):
        raise malformed("acceptedSuggestions names each by its id")
    return Feedback(client, service, _card(said.get("card")), said["outcome"], _at(said), _reason(said))


def _suggestions(said: Any) -> bool:
    return isinstance(said, list) and bool(said) and all(isinstance(each, dict) and each.get("id") for each in said)


def _card(said: Any) -> str:
    try:
        return str(UUID(str(said)))
    except ValueError:
        raise malformed("card is no UUID") from None


def _at(said: dict[str, Any]) -> str:
    try:
        moment = dt.datetime.fromisoformat(str(said.get("outcomeTimestamp")))
    except ValueError:
        raise malformed("outcomeTimestamp is no instant") from None
    return moment.isoformat()


def _reason(said: dict[str, Any]) -> str | None:
    override = said.get("overrideReason")
    coding = override.get("reason") if isinstance(override, dict) else None
    code = coding.get("code") if isinstance(coding, dict) else None
    return str(code)[:64] if code else None
