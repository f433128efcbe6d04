"""How many claims there are, and how many were cancelled or denied, as far as anybody says."""

import pytest
from oracle.histories import RESTRICTED, patient, resubmits

from .explanations import DENIED, billed, of, on, response, said
from .lakes import profiled

PARTS = [said("copay", "10")]

# who: resources, then (refused, claims), or why it is unknown
REFUSALS = {
    "none": (lambda _: [], "no-claims"),
    "unanswered": (lambda w: on(w), "not-adjudicated"),
    "accepted": (lambda w: on(w, of(w, total=PARTS)), (0, 1)),
    "denied": (lambda w: on(w, of(w, items=[[DENIED]])), (1, 1)),
    "denied-by-a-response": (lambda w: on(w, response(f"{w}-r", f"{w}-c", who=w, header=[DENIED])), (1, 1)),
    "an-item-denied": (lambda w: on(w, of(w, items=[PARTS, [DENIED]])), (1, 1)),
    "denied-then-accepted": (
        lambda w: on(w, of(w, "old", items=[[DENIED]]), of(w, "new", total=PARTS, created="2026-03-09")), (0, 1),
    ),
    "cancelled": (lambda w: on(w, status="cancelled"), (1, 1)),
    "cancelled-among-unanswered": (lambda w: [*on(w), billed(f"{w}-d", w, status="cancelled")], (1, 2)),
    "cancelled-and-sent-again": (
        lambda w: [
            billed(f"{w}-a", w, status="cancelled"), billed(f"{w}-b", w, **resubmits(f"{w}-a")),
            of(w, "e", "b", total=PARTS),
        ],
        (0, 1),
    ),
    "cancelled-and-sensitive": (
        lambda w: [*on(w, of(w, total=PARTS)), billed(f"{w}-d", w, status="cancelled", meta=RESTRICTED)], (0, 1),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    resources = [each for who, (build, _) in REFUSALS.items() for each in build(who)]
    return profiled(tmp_path_factory.mktemp("refusals"), [*map(patient, REFUSALS), *resources])


@pytest.mark.parametrize("who", REFUSALS)
def test_claims_cancelled_or_denied(refused, who):
    (row,) = refused.measures[f"Patient/{who}", "claims-refused-p1y"]
    expected = REFUSALS[who][1]
    if isinstance(expected, str):
        assert (row["value"], row["unknown"]) == (None, expected)
    else:
        assert ((row["numerator"], row["denominator"]), row["unknown"]) == (expected, None)
