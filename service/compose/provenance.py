"""A panel and its evidence in, its Provenance out: which device derived it, when, from which records."""

from __future__ import annotations

import base64
import hashlib

from service.compose.canonical import PARTICIPANT, PROVENANCE, RFC_6920
from service.compose.content import Json
from service.compose.edition import Edition, instant
from service.reviews import PAST, Review

NAMED_ONE_BY_ONE = 50
CONTAINED = "evidence"


def provenance(
    patient: str, panel: Json, content: str, evidence: list[str], edition: Edition, review: Review | None = None
) -> Json:
    """`content` is the digest of `panel`: one Provenance for each content written."""
    identity = edition.identity
    resource: Json = {
        "resourceType": "Provenance",
        "id": identity.provenance(patient, content),
        "meta": identity.meta(PROVENANCE),
    }
    if len(evidence) > NAMED_ONE_BY_ONE:
        resource["contained"] = [_digest_list(evidence)]
    resource |= {
        "target": [{"reference": f"Observation/{panel['id']}"}],
        "recorded": instant(edition.recorded),
        "agent": [{"who": {"reference": f"Device/{identity.device}"}}],
    }
    if review:
        resource["agent"].append({"type": _role(review), "who": review.who()})
        resource["reason"] = [{"text": f"{PAST[review.decision]}: {review.reason}"}]
    if evidence:
        sources = evidence if len(evidence) <= NAMED_ONE_BY_ONE else [f"#{CONTAINED}"]
        resource["entity"] = [{"role": "source", "what": {"reference": source}} for source in sources]
    return resource


def _role(review: Review) -> Json:
    """Who overrides says what is so, who accepts or declines has checked what was derived."""
    code = "author" if review.decision == "override" else "verifier"
    return {"coding": [{"system": PARTICIPANT, "code": code, "display": code.title()}]}


def _digest_list(evidence: list[str]) -> Json:
    """One List stands for all; who holds the references can check them against its identifier (RFC 6920)."""
    lines = "".join(f"{reference}\n" for reference in sorted(evidence))
    sha256 = base64.urlsafe_b64encode(hashlib.sha256(lines.encode()).digest()).rstrip(b"=").decode()
    note = f"{len(evidence)} records; the identifier is the SHA-256 of their sorted references."
    return {
        "resourceType": "List",
        "id": CONTAINED,
        "identifier": [{"system": RFC_6920, "value": f"ni:///sha-256;{sha256}"}],
        "status": "current",
        "mode": "snapshot",
        "note": [{"text": note}],
    }
