"""What a source records at all: what it never shows of anybody is unknown of each patient, not absent.

Who derives some patients alone cannot see that of their facts, and is told by these names what is known of the others;
nor which records are one person's, where the survivor does not say.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

import ibis
import ibis.expr.types as ir

from service.lake import read_json

Recorded = Literal["cancelled", "acuity", "diagnoses", "preventive", "claims", "explanations"]
Known = frozenset[str]  # of these names; others are of no account

NOTHING: Known = frozenset()


def known(profiles: Path) -> Known:
    """As the run found that these are of."""
    basis = cast("dict[str, dict[str, bool]]", read_json(profiles / "profiles.json", "derive")["basis"])
    return frozenset(name for name, seen in basis["source_records"].items() if seen)


def persons(profiles: Path, ids: Sequence[str]) -> list[str]:
    """These ids of Patients, and those of all records that go by the same survivor."""
    survivor = cast("dict[str, str]", read_json(profiles / "profiles.json", "derive")["merged"])
    asked = {survivor.get(f"Patient/{each}", f"Patient/{each}") for each in ids}
    records = [*asked, *(old for old, new in survivor.items() if new in asked)]
    return list(dict.fromkeys([*ids, *sorted(each.removeprefix("Patient/") for each in records)]))


def recorded(name: Recorded, seen: ir.BooleanScalar, known: Known) -> ir.BooleanScalar:
    """By these facts, or by what is known of others."""
    return (seen.fill_null(False) | ibis.literal(name in known)).name(name)
